"""The command line of ``disio submit``, and what it says about a task.

Rule: an option that makes no sense with the work unit is refused by its name.
"""

from pathlib import Path

import msgspec

from disio.locating import Where
from disio.showing import printable
from disio.submitting.document import Wishes
from disio.submitting.naming import is_text
from disio.submitting.records import SPOOL_LIMIT
from disio.times import moment
from disio_shared.errors import ConfigError
from disio_shared.taskdoc import Kind

KINDS: tuple[Kind, ...] = ("web", "cli")


class Inputs(msgspec.Struct, kw_only=True):
    """The options that name payloads; ``disio payloads preview`` has them too."""

    words: tuple[str, ...] = ()
    range_text: str | None = None
    grid: tuple[str, ...] = ()
    zip: tuple[str, ...] = ()
    random_count: int | None = None
    seed: str | None = None
    list_text: str | None = None
    lines: str | None = None
    ndjson: str | None = None
    csv_name: str | None = None
    spool_limit: int = SPOOL_LIMIT
    source: str | None = None
    """Id of the task whose results they are."""
    stream: bool = False
    batch: int | None = None

    def named(self) -> dict[str, object]:
        """Return those that were given, by their flags; exactly one of them makes sense."""
        flags = {
            "--range": self.range_text,
            "--grid": self.grid or None,
            "--zip": self.zip or None,
            "--random": self.random_count,
            "--list": self.list_text,
            "--lines": self.lines,
            "--ndjson": self.ndjson,
            "--csv": self.csv_name,
            "--from": self.source,
        }
        return {flag: value for flag, value in flags.items() if value is not None}


class Options(Inputs, kw_only=True):
    """The command line."""

    binary: Path | None
    task_file: str | None
    input_dir: Path | None
    output_dir: Path | None
    is_open: bool
    suffix: str
    force: bool
    wait: bool
    ordered: bool
    out: Path | None
    key: str | None
    name: str | None
    tags: tuple[str, ...]
    description: str | None
    is_public: bool
    webhooks: tuple[str, ...]
    aggregates: tuple[str, ...]
    priority: int | None
    weight: float | None
    deadline: str | None
    max_distributors: int | None
    min_ram: int | None
    unit_timeout: float | None
    max_failures: int | None
    max_task_failures: int | None
    redundancy: int | None
    verify: str | None
    stop_when: tuple[str, ...]
    stop_count: int | None
    kinds: str | None
    runtime: str | None
    output_format: str | None
    clock: str | None
    patience: float
    dry_run: bool
    where: Where


def check_text(options: Options, words: list[str]) -> None:
    """Refuse what no document can hold: the system passes on whatever bytes were typed.

    Raises:
        ConfigError: A word is no text.
    """
    given = [("--name", options.name or ""), ("--description", options.description or "")]
    given += [("--tag", tag) for tag in options.tags]
    given += [("--grid", word) for word in (*options.grid, *options.zip, *words)]
    for flag, word in given:
        if not is_text(word):
            raise ConfigError(flag, f"{printable(word)} is not UTF-8 text", "write it in other characters")


def wishes_of(options: Options, language: str) -> Wishes:
    """Return what options say about a task.

    Raises:
        ConfigError: They make no sense for this language, or by themselves.
    """
    for name, value in (("--output-format", options.output_format), ("--clock", options.clock)):
        if value is not None and language != "wasm":
            raise ConfigError(name, f"is for WebAssembly; this work unit is {language}", "leave it out")
    if options.runtime == "native" and language != "python":
        raise ConfigError("--runtime", f"native is for Python; this work unit is {language}", "leave it out")
    if options.stop_count is not None and not options.stop_when:
        raise ConfigError("--stop-count", "goes with --stop-when")
    return Wishes(
        name=options.name,
        tags=options.tags,
        priority=options.priority,
        memory_mb=options.min_ram,
        unit_timeout_s=options.unit_timeout,
        max_failures=options.max_failures,
        kinds=_kinds(options.kinds),
        runtime=options.runtime,
        output=options.output_format,
        clock=options.clock,
        description=options.description,
        weight=options.weight,
        max_distributors=options.max_distributors,
        max_task_failures=options.max_task_failures,
        deadline=None if options.deadline is None else moment("--deadline", options.deadline),
        redundancy=options.redundancy,
        verify=options.verify,
        is_public=options.is_public,
        webhooks=options.webhooks,
        stop_when=options.stop_when,
        stop_count=options.stop_count,
        aggregates=options.aggregates,
    )


def check_nothing_more(options: Options) -> None:
    """Refuse what a whole document says already.

    Raises:
        ConfigError: Something of it is given.
    """
    others = {"WORKUNIT": options.words, "-b": options.binary, "--input": options.input_dir}
    more = {"--output": options.output_dir, "--open": options.is_open, **options.named()}
    for flag, value in {**others, **more}.items():
        if value:
            raise ConfigError(str(flag), "does not go with --task", "the document says that")
    if wishes_of(options, "wasm" if options.clock or options.output_format else "python") != Wishes():
        raise ConfigError("--task", "the document says all about the task", "change it there, or leave the option out")


def _kinds(text: str | None) -> tuple[Kind, ...]:
    words = [] if text is None else text.split(",")
    if any(word not in KINDS for word in words):
        raise ConfigError("--kinds", f"{text} is not web, cli or web,cli")
    return tuple(kind for kind in KINDS if kind in words)
