"""The task document that a command line means.

Rule: it says what was asked for and nothing else; what was left out is the manager's default. The same words always
make the same bytes, so a repeat can be known by its hash.
"""

import base64
import hashlib
import re
from typing import Any

import msgspec

from disio_shared.errors import ConfigError
from disio_shared.taskdoc import MAX_NAME, Kind, Language, check_code

LANGUAGES: dict[str, Language] = {".js": "javascript", ".mjs": "javascript", ".py": "python", ".wasm": "wasm"}
_INTEGER = re.compile(r"[+-]?[0-9][0-9_]{0,999}")
"""Longer ones Python does not read, and nobody means."""
_SHORTHAND = re.compile(r"[0-9]+-[0-9]+")
COMPARISONS = {
    "==": "equals",
    "!=": "differs",
    ">": "above",
    ">=": "at_least",
    "<": "below",
    "<=": "at_most",
    "exists": "exists",
}
_canonical = msgspec.json.Encoder(order="deterministic")


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What options say about a task; None = the manager's default."""

    name: str | None = None
    tags: tuple[str, ...] = ()
    priority: int | None = None
    memory_mb: int | None = None
    unit_timeout_s: float | None = None
    max_failures: int | None = None
    kinds: tuple[Kind, ...] = ()
    runtime: str | None = None
    output: str | None = None
    clock: str | None = None
    description: str | None = None
    weight: float | None = None
    max_distributors: int | None = None
    max_task_failures: int | None = None
    deadline: float | None = None
    redundancy: int | None = None
    verify: str | None = None
    is_public: bool = False
    webhooks: tuple[str, ...] = ()
    stop_when: tuple[str, ...] = ()
    """Each ``PATH OP JSON``."""
    stop_count: int | None = None
    aggregates: tuple[str, ...] = ()
    """Paths; ``.`` = the result itself."""


class Unit(msgspec.Struct, frozen=True):
    """A work unit that was read."""

    name: str
    language: Language
    code: bytes


def unit_of(file_name: str, code: bytes, is_binary: bool) -> Unit:
    """Return the work unit of a file.

    Args:
        file_name: Without its folders; its ending tells the language.
        code: What the file holds.
        is_binary: It was named as a WebAssembly binary, whatever its ending.

    Raises:
        ConfigError: Nobody can tell its language, or it is damaged.
    """
    stem, dot, ending = file_name.rpartition(".")
    language = "wasm" if is_binary else LANGUAGES.get(dot + ending.lower())
    if language is None:
        raise ConfigError(file_name, f"ends in none of {', '.join(LANGUAGES)}", "give a WebAssembly binary with -b")
    problems = check_code(language, code)
    if problems:
        raise ConfigError(file_name, problems[0], "see that it runs: disio test")
    return Unit("".join(char if char.isprintable() else "?" for char in stem or file_name), language, code)


def task_document(unit: Unit, wishes: Wishes, payloads: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a task."""
    document: dict[str, Any] = {"name": (wishes.name or unit.name)[:MAX_NAME]}
    if wishes.tags:
        document["tags"] = list(wishes.tags)
    if wishes.description is not None:
        document["description"] = wishes.description
    document["workunit"] = _workunit(unit, wishes)
    document["payloads"] = payloads
    policy = _policy(wishes)
    if policy:
        document["policy"] = policy
    return document | _shown_to_others(wishes)


def _workunit(unit: Unit, wishes: Wishes) -> dict[str, Any]:
    fields = {"runtime": wishes.runtime, "output": wishes.output, "clock": wishes.clock}
    spec: dict[str, Any] = {"language": unit.language, **_given(fields)}
    if unit.language == "wasm":
        return spec | {"source_base64": base64.b64encode(unit.code).decode()}
    return spec | {"source": unit.code.decode()}


def _shown_to_others(wishes: Wishes) -> dict[str, Any]:
    """Return what the document says about a public page, about who is told, and about what is counted."""
    parts: dict[str, Any] = {"public": True} if wishes.is_public else {}
    if wishes.webhooks:
        parts["webhooks"] = [{"url": url} for url in wishes.webhooks]
    if wishes.aggregates:
        parts["aggregates"] = {"fields": ["" if path == "." else path for path in wishes.aggregates]}
    return parts


def _policy(wishes: Wishes) -> dict[str, Any]:
    names = ("priority", "weight", "max_distributors", "redundancy", "verify", "deadline", "unit_timeout_s")
    policy = _given({name: getattr(wishes, name) for name in (*names, "max_failures", "max_task_failures")})
    requires = _given({"memory_mb": wishes.memory_mb, "kinds": list(wishes.kinds) or None})
    if wishes.stop_when:
        stop: dict[str, Any] = {"result": [condition(text) for text in wishes.stop_when]}
        policy["stop_when"] = stop | _given({"count": wishes.stop_count})
    return policy | ({"requires": requires} if requires else {})


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def program_digest(document: dict[str, Any]) -> str:
    """Return a hash of what decides about a result beside its payload: the code and how it is run."""
    return hashlib.sha256(_canonical.encode(document["workunit"])).hexdigest()


def work_digest(document: dict[str, Any], inputs: bytes) -> str:
    """Return a hash of a whole work: the document without its payloads, and the inputs (their own hash)."""
    return hashlib.sha256(_canonical.encode(document) + inputs).hexdigest()


def range_spec(text: str) -> dict[str, Any]:
    """Return the payload spec of ``start:stop[:step]``.

    Raises:
        ConfigError: It is none.
    """
    parts = _range_parts(text)
    if parts is None:
        raise ConfigError("--range", f"{text!r} is not start:stop or start:stop:step, all integers")
    return {"range": parts}


def chain_spec(task: str, is_stream: bool, batch: int | None) -> dict[str, Any]:
    """Return the payload spec of the results of another task."""
    spec: dict[str, Any] = {"task": task}
    if is_stream:
        spec["stream"] = True
    return spec | _given({"batch": batch})


def grid_spec(words: list[str]) -> dict[str, Any]:
    """Return the payload spec of ``key=AXIS`` words: all combinations.

    Raises:
        ConfigError: One has no key, or a key comes twice.
    """
    return {"grid": _axes("--grid", words)}


def zip_spec(words: list[str]) -> dict[str, Any]:
    """Return the payload spec of ``key=AXIS`` words: side by side.

    Raises:
        ConfigError: One has no key, or a key comes twice.
    """
    return {"zip": _axes("--zip", words)}


def random_spec(count: int, seed: str, words: list[str]) -> dict[str, Any]:
    """Return the payload spec of ``key=AXIS`` words: drawn. ``a..b`` is any number from a on and below b.

    Raises:
        ConfigError: One has no key, or one that is not possible.
    """
    axes = _axes("--random", words)
    for key in ("count", "seed"):
        if key in axes:
            raise ConfigError("--random", f"no key can be called {key}", "take another name")
    drawn = {key: _drawn(axis) for key, axis in axes.items()}
    return {"random": {"count": count, "seed": int(seed) if _INTEGER.fullmatch(seed) else seed, **drawn}}


def condition(text: str) -> dict[str, Any]:
    """Return what ``PATH OP JSON`` says about a result; the path ``.`` is the whole of it.

    Raises:
        ConfigError: It says nothing.
    """
    parts = text.split(maxsplit=2)
    comparison = COMPARISONS.get(parts[1], parts[1]) if len(parts) == 3 else ""
    if comparison not in COMPARISONS.values():
        raise ConfigError("--stop-when", f"{text!r} is not PATH OP JSON", f"OP is one of {' '.join(COMPARISONS)}")
    try:
        value = msgspec.json.decode(parts[2].encode())
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ConfigError("--stop-when", f"{parts[2]!r} is no JSON", "a text has quotes: 'name == \"x\"'") from error
    return {"path": "" if parts[0] == "." else parts[0], comparison: value}


def _axes(flag: str, words: list[str]) -> dict[str, Any]:
    axes: dict[str, Any] = {}
    for word in words:
        key, mark, axis = word.partition("=")
        if not key or not mark:
            raise ConfigError(flag, f"{word!r} is not key=AXIS")
        if key in axes:
            raise ConfigError(flag, f"{key} is given twice")
        axes[key] = _axis(axis)
    return axes


def _drawn(axis: Any) -> Any:
    parts = axis.split("..") if isinstance(axis, str) else []
    ends = [_scalar(part) for part in parts]
    return {"uniform": ends} if len(ends) == 2 and not any(isinstance(end, str) for end in ends) else axis


def _axis(text: str) -> Any:
    parts = _range_parts(text)
    if parts is not None:
        return {"range": parts}
    if "," in text:
        return [_scalar(part) for part in text.split(",")]
    # In a document such a text is a range with both ends; here it is what it is.
    return [text] if _SHORTHAND.fullmatch(text) else _scalar(text)


def _range_parts(text: str) -> list[int] | None:
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(_INTEGER.fullmatch(part) for part in parts):
        return None
    return [int(part.replace("_", "")) for part in parts]


def _scalar(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    try:
        number = float(text)
    except ValueError:
        return text
    return number if number - number == 0 else text
