"""What can be said about a task beside its code: the document it becomes.

Rule: pure; it says what was asked for and nothing else, and what was left out is the manager's default.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from disio.sdk.errors import BadArgument
from disio.sdk.shapes import wrapped
from disio_client.engines.python_values import BadValue, encode_value
from disio_shared.taskdoc import MAX_NAME, Policy

_REQUIRES = ("memory_mb", "kinds", "one_per_machine")
_POLICY = frozenset({*Policy.__struct_fields__, *_REQUIRES} - {"requires"})


class Options(TypedDict, total=False):
    """Fields of a task's policy; each one that is left out, or None, is the manager's default."""

    priority: int | None
    weight: float | None
    max_distributors: int | None
    redundancy: int | None
    verify: str | None
    compare: str | None
    deadline: float | None
    """Seconds since 1970-01-01 UTC."""
    unit_timeout_s: float | None
    max_result_bytes: int | None
    max_log_bytes: int | None
    max_failures: int | None
    max_lost: int | None
    max_task_failures: int | None
    when_exhausted: Literal["repeat", "wait"] | None
    max_redundancy: int | None
    stop_when: dict[str, Any] | None
    stall_s: float | None
    memory_mb: int | None
    """What a client must offer, and the most memory a unit gets."""
    kinds: Sequence[Literal["web", "cli"]] | None
    one_per_machine: bool | None


class MapOptions(Options, total=False):
    """What can be said about a ``map``."""

    order: Literal["index", "completed", "none"]
    buffer: int
    partial: bool
    name: str | None
    tags: Sequence[str]
    description: str


def policy_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``policy`` of a task document.

    Raises:
        TypeError: There is no such option.
    """
    unknown = sorted(options.keys() - _POLICY)
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(sorted(_POLICY))}")
    given = {name: value for name, value in options.items() if value is not None}
    requires = {name: given.pop(name) for name in _REQUIRES if name in given}
    if "kinds" in requires:
        requires["kinds"] = list(requires["kinds"])
    return given | ({"requires": requires} if requires else {})


def name_of(name: str) -> str:
    """Return a name that a task can have."""
    return "".join(char if char.isprintable() else "?" for char in name)[:MAX_NAME] or "untitled"


def payloads_of(payloads: object) -> dict[str, Any]:
    """Return the payload spec that is meant: a spec, a ``range``, or a list of values.

    Raises:
        BadArgument: It is none of these, or one of the values is nothing that JSON can hold.
    """
    if isinstance(payloads, Mapping):
        return dict(payloads)
    if isinstance(payloads, range):
        return {"range": [payloads.start, payloads.stop, payloads.step]}
    if isinstance(payloads, list | tuple):
        return {"list": [payload_of(value, f"payloads[{at}]") for at, value in enumerate(payloads)]}
    raise BadArgument(
        f"payloads are a list, a range, or a spec such as {{'grid': {{...}}}}, not {type(payloads).__name__}; "
        "for other iterables there is map()"
    )


def payload_of(value: object, place: str) -> Any:
    """Return a payload as a document has it; see ``sized_payload``."""
    return sized_payload(value, place)[0]


def sized_payload(value: object, place: str) -> tuple[Any, int]:
    """Return a payload as a document has it, and its bytes.

    Args:
        value: It.
        place: How an error calls it.

    Raises:
        BadArgument: It is nothing that JSON can hold, and not ``bytes``.
    """
    try:
        size = len(encode_value(value, place))
    except BadValue as error:
        raise BadArgument(str(error).replace("; return ", "; use ")) from error
    return wrapped(value), size
