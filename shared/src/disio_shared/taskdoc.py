"""The task document: what a submitter sends, checked field by field.

Rule: every way into disio (REST, command line, SDK, dashboard) goes through ``parse_task``; what it accepts can run.
"""

import base64
import binascii
import hashlib
import re
from typing import Any, Literal

import msgspec

from disio_shared import payload_parsing, payloads
from disio_shared.errors import FieldProblem, InvalidDocument
from disio_shared.task_parts import (
    Aggregates,
    Document,
    StopWhen,
    Webhook,
    check_aggregates,
    check_description,
    check_stop_when,
    check_webhooks,
)
from disio_shared.wording import not_json, problem_of

Language = Literal["javascript", "wasm", "python"]
Kind = Literal["web", "cli"]
TaskStateName = Literal["queued", "running", "paused", "done", "failed", "cancelled", "expired"]
OPEN_STATES: frozenset[str] = frozenset({"queued", "running", "paused"})
ENDED_STATES: frozenset[str] = frozenset({"done", "failed"})
"""Those a task comes to by what became of its payloads."""

MAX_NAME = 200
MAX_TAGS = 32
MAX_WORKUNIT_BYTES = 32 << 20
"""Bytes of one work unit's code."""
MAX_DOCUMENT_BYTES = 64 << 20
"""Bytes of one task document."""
MAX_RESULT_BYTES = 8 << 20
"""Bytes of one result."""
MAX_LOG_BYTES = 1 << 20
WASM_MAGIC = b"\0asm"
MAX_TIME = 253_402_300_799
"""Seconds since 1970 of the last second that has a date of four digits for its year."""


class WorkunitSpec(Document, kw_only=True):
    """The code: exactly one of ``source``, ``source_base64``, ``sha256``."""

    language: Language
    runtime: Literal["sandbox", "native"] = "sandbox"
    """``native``: Python in a process of machines whose owners trust these managers with that."""
    output: Literal["bytes", "text", "json"] = "bytes"
    """What a WebAssembly unit writes to its standard output."""
    clock: Literal["fixed", "real"] = "fixed"
    """Whether WebAssembly units see the real time; with a fixed clock the same payload gives the same result."""
    source: str | None = None
    source_base64: str | None = None
    sha256: str | None = None


class Requires(Document, kw_only=True):
    """What a client must offer."""

    memory_mb: int = 64
    one_per_machine: bool = False
    kinds: list[Kind] = msgspec.field(default_factory=lambda: ["web", "cli"])


class Policy(Document, kw_only=True):
    """How the task is run."""

    priority: int = 0
    weight: float = 1.0
    max_distributors: int = 0
    """Distributors that may hold blocks at a time; 0 = any number."""
    redundancy: int = 1
    verify: Literal["fixed"] = "fixed"
    compare: Literal["exact"] = "exact"
    deadline: float | None = None
    """Seconds since 1970-01-01 UTC after which the task ends as ``expired``."""
    unit_timeout_s: float = 60.0
    max_result_bytes: int = MAX_RESULT_BYTES
    max_log_bytes: int = 65_536
    max_failures: int = 3
    max_lost: int = 20
    """Times a payload's client may vanish while it runs it; then the payload is quarantined like one that failed."""
    max_task_failures: int | None = None
    """Quarantined payloads at which the whole task ends as ``failed``."""
    requires: Requires = msgspec.field(default_factory=Requires)
    when_exhausted: Literal["repeat", "wait"] = "repeat"
    max_redundancy: int = 5
    stop_when: StopWhen | None = None
    """When the task is done before all payloads are."""
    stall_s: float = 600.0
    """Seconds without a result, with payloads open, after which the task counts as stalled."""


class Editable(Document, kw_only=True):
    """What can be changed of a task later, of the policy a part."""

    name: str = "untitled"
    tags: list[str] = msgspec.field(default_factory=list)
    description: str = ""
    """What it computes, for people."""
    public: bool = False
    """Anybody may see it."""
    webhooks: list[Webhook] = msgspec.field(default_factory=list)
    policy: Policy = msgspec.field(default_factory=Policy)
    aggregates: Aggregates | None = None
    """Which numbers about the results are kept while they come; others are counted when somebody asks."""


class TaskDocument(Editable, kw_only=True):
    """The whole document."""

    workunit: WorkunitSpec
    payloads: Any


class ParsedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A checked document with what follows from it."""

    document: TaskDocument
    spec: payloads.PayloadSpec
    total: int
    """Number of payloads, at least 1; 0 of files, which are counted by who has their archive."""
    workunit: str
    """SHA-256 of the code, hexadecimal."""
    code: bytes | None
    """The code, or None when the document names an earlier upload by its hash."""
    payloads: bytes
    """The field as JSON text: spaces are gone, the order of keys is kept."""


def parse_task(data: bytes) -> ParsedTask:
    """Check a task document.

    Args:
        data: JSON text.

    Raises:
        InvalidDocument: With one problem per wrong field.
    """
    try:
        document = msgspec.json.decode(data, type=TaskDocument)
    except msgspec.ValidationError as error:
        raise InvalidDocument([problem_of(error, TaskDocument)]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDocument([FieldProblem("", f"the document {not_json(error)}")]) from error
    problems = problems_of(document)
    code, digest, code_problems = _read_workunit(document.workunit)
    problems += [*_check_runtime(document.workunit), *code_problems]
    spec = None
    try:
        spec = payload_parsing.parse_spec(document.payloads)
    except InvalidDocument as error:
        problems += [FieldProblem(f"payloads.{p.path}" if p.path else "payloads", p.message) for p in error.problems]
    if problems or spec is None:
        raise InvalidDocument(problems)
    return ParsedTask(
        document=document,
        spec=spec,
        total=payloads.count(spec),
        workunit=digest,
        code=code,
        payloads=msgspec.json.encode(document.payloads),
    )


def problems_of(editable: Editable) -> list[FieldProblem]:
    """Return what is wrong with what of a task can be edited later."""
    return [
        *_check_texts(editable.name, editable.tags),
        *check_description(editable.description),
        *check_webhooks(editable.webhooks),
        *_check_policy(editable.policy),
        *check_stop_when(editable.policy.stop_when),
        *check_aggregates(editable.aggregates),
    ]


def _check_texts(name: str, tags: list[str]) -> list[FieldProblem]:
    problems = []
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        problems.append(FieldProblem("name", f"must be 1 to {MAX_NAME} printable characters"))
    if len(tags) > MAX_TAGS:
        problems.append(FieldProblem("tags", f"at most {MAX_TAGS} tags"))
    if any(not 1 <= len(tag) <= 50 or not tag.isprintable() for tag in tags):
        problems.append(FieldProblem("tags", "a tag is 1 to 50 printable characters"))
    return problems


def _check_policy(policy: Policy) -> list[FieldProblem]:
    end, most = policy.deadline, policy.max_task_failures
    rules: list[tuple[str, bool, str]] = [
        ("priority", -1000 <= policy.priority <= 1000, "must be from -1000 to 1000"),
        ("weight", 0.01 <= policy.weight <= 1000, "must be from 0.01 to 1000"),
        ("max_distributors", 0 <= policy.max_distributors <= 10_000, "must be from 0 (any number) to 10000"),
        ("redundancy", policy.redundancy == 1, "must be 1: this version does not compare several results yet"),
        ("deadline", end is None or 0 < end <= MAX_TIME, f"must be seconds since 1970-01-01 UTC, at most {MAX_TIME}"),
        ("unit_timeout_s", 0.1 <= policy.unit_timeout_s <= 86_400, "must be from 0.1 to 86400 seconds"),
        ("max_result_bytes", 1 <= policy.max_result_bytes <= MAX_RESULT_BYTES, f"must be from 1 to {MAX_RESULT_BYTES}"),
        ("max_log_bytes", 0 <= policy.max_log_bytes <= MAX_LOG_BYTES, f"must be from 0 to {MAX_LOG_BYTES}"),
        ("max_failures", 1 <= policy.max_failures <= 100, "must be from 1 to 100"),
        ("max_lost", 1 <= policy.max_lost <= 1000, "must be from 1 to 1000"),
        (
            "max_task_failures",
            most is None or 1 <= most <= payload_parsing.MAX_PAYLOADS,
            f"must be from 1 to {payload_parsing.MAX_PAYLOADS}",
        ),
        ("stall_s", 10 <= policy.stall_s <= 86_400, "must be from 10 to 86400 seconds"),
        ("max_redundancy", 1 <= policy.max_redundancy <= 20, "must be from 1 to 20"),
        ("requires.memory_mb", 0 <= policy.requires.memory_mb <= 1_000_000, "must be from 0 to 1000000"),
        ("requires.kinds", bool(policy.requires.kinds), "must name at least one of web, cli"),
        ("requires.one_per_machine", not policy.requires.one_per_machine, "must be false: not offered by this version"),
    ]
    return [FieldProblem(f"policy.{name}", message) for name, is_fine, message in rules if not is_fine]


def _check_runtime(spec: WorkunitSpec) -> list[FieldProblem]:
    problems = []
    if spec.runtime == "native" and spec.language != "python":
        problems.append(FieldProblem("workunit.runtime", "only Python runs native; leave it out"))
    for name, usual in (("output", "bytes"), ("clock", "fixed")):
        if getattr(spec, name) != usual and spec.language != "wasm":
            problems.append(FieldProblem(f"workunit.{name}", f"is for WebAssembly; this unit is {spec.language}"))
    return problems


def _read_workunit(spec: WorkunitSpec) -> tuple[bytes | None, str, list[FieldProblem]]:
    """Return code (None when only named), its hash, and what is wrong."""
    given = [name for name in ("source", "source_base64", "sha256") if getattr(spec, name) is not None]
    if len(given) != 1:
        return None, "", [FieldProblem("workunit", "give exactly one of source, source_base64, sha256")]
    if spec.sha256 is not None:
        if not re.fullmatch(r"[0-9a-f]{64}", spec.sha256):
            return None, "", [FieldProblem("workunit.sha256", "must be 64 lower-case hexadecimal digits")]
        return None, spec.sha256, []
    place = f"workunit.{given[0]}"
    try:
        code = _source_bytes(spec)
    except (binascii.Error, ValueError) as error:
        return None, "", [FieldProblem(place, f"does not decode: {error}")]
    problems = [FieldProblem(place, problem) for problem in check_code(spec.language, code)]
    return code, hashlib.sha256(code).hexdigest(), problems


def _source_bytes(spec: WorkunitSpec) -> bytes:
    if spec.source is not None:
        return spec.source.encode()
    return base64.b64decode(spec.source_base64 or "", validate=True)


def check_code(language: Language, code: bytes) -> list[str]:
    """Return what is wrong with a work unit's code as far as it can be told without running it."""
    if not code.strip():
        return ["is empty"]
    if len(code) > MAX_WORKUNIT_BYTES:
        return [f"is {len(code)} bytes, over the limit of {MAX_WORKUNIT_BYTES}"]
    if language == "wasm":
        return [] if code.startswith(WASM_MAGIC) else ["is not a WebAssembly module (no \\0asm at its start)"]
    try:
        text = code.decode()
    except UnicodeDecodeError as error:
        return [f"is not UTF-8 text: {error}"]
    if language == "python":
        return _check_python(text)
    return []


def _check_python(text: str) -> list[str]:
    """Return the syntax error of Python source, if any."""
    import ast  # imported here: only this language needs it, and it costs start-up time

    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"does not parse: {error}"]
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return [] if "run" in names else ["defines no function run(payload, unit)"]
