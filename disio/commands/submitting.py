"""What ``disio submit`` makes of its options.

Rule: what is wrong with the options is told before anything is read or sent.
"""

import asyncio
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import click
import msgspec

from disio.locating import locate
from disio.rest import ManagerClient
from disio.showing import printable
from disio.submitting.directory import DirectoryJob, DirectoryRun, check_folders, dry_run
from disio.submitting.document import Unit, Wishes, grid_spec, range_spec, task_document, unit_of
from disio.submitting.generated import GeneratedJob, GeneratedRun
from disio.submitting.naming import is_text
from disio.submitting.outputs import OutputProblem
from disio.submitting.progress import Screen
from disio.submitting.reporting import FAILURE, Report
from disio_shared.errors import ConfigError, DisioError, InvalidDocument
from disio_shared.payloads import parse_spec
from disio_shared.taskdoc import MAX_WORKUNIT_BYTES, Kind

DETACHED = 130
TOO_MANY = "leave it out, or give it an option"
KINDS: tuple[Kind, ...] = ("web", "cli")


class Options(msgspec.Struct, kw_only=True):
    """The command line."""

    words: tuple[str, ...]
    binary: Path | None
    input_dir: Path | None
    output_dir: Path | None
    suffix: str
    force: bool
    range_text: str | None
    grid: tuple[str, ...]
    wait: bool
    ordered: bool
    out: Path | None
    name: str | None
    tags: tuple[str, ...]
    priority: int | None
    min_ram: int | None
    unit_timeout: float | None
    max_failures: int | None
    kinds: str | None
    runtime: str | None
    output_format: str | None
    clock: str | None
    patience: float
    dry_run: bool
    manager: str | None
    token_file: Path | None
    data_dir: Path | None
    as_json: bool


class Run(Protocol):
    """Something that makes a task and follows it."""

    task: str
    """Its id; empty = none yet."""

    def way_back(self) -> str:
        """Return what a person does after it was broken off."""

    async def run(self) -> Report:
        """Do it."""


def run(options: Options) -> int:
    """Do what the options say; return the exit status.

    Raises:
        ConfigError: They make no sense together.
        DisioError: It did not work.
    """
    file, words = _workunit_file(options)
    _check_text(options, words)
    unit = unit_of(file.name, _read(file), options.binary is not None)
    if options.input_dir is not None:
        return _run_directory(_directory_job(options, unit, words), options)
    payloads = _generated(options, words)
    return _run_generated(task_document(unit, _wishes(options, unit), payloads), options)


def _check_text(options: Options, words: list[str]) -> None:
    """Refuse what no document can hold: the system passes on whatever bytes were typed."""
    given = [("--name", options.name or ""), *(("--tag", tag) for tag in options.tags)]
    given += [("--grid", word) for word in (*options.grid, *words)]
    for flag, word in given:
        if not is_text(word):
            raise ConfigError(flag, f"{printable(word)} is not UTF-8 text", "write it in other characters")


def _workunit_file(options: Options) -> tuple[Path, list[str]]:
    """Return the work unit's file, and the words behind it."""
    words = list(options.words)
    if options.binary is not None:
        return options.binary, words
    if not words:
        raise ConfigError("WORKUNIT", "is not given", "name a .js, .py or .wasm file, or a binary with -b")
    return Path(words[0]), words[1:]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            code = opened.read(MAX_WORKUNIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(str(file), error.strerror or "cannot be read", "correct the path") from error
    if len(code) > MAX_WORKUNIT_BYTES:
        raise ConfigError(str(file), f"is over the limit of {MAX_WORKUNIT_BYTES} bytes", "name a work unit")
    return code


def _directory_job(options: Options, unit: Unit, words: list[str]) -> DirectoryJob:
    unfit = {"--range": options.range_text, "--grid": options.grid, "--ordered": options.ordered, "--out": options.out}
    for name, value in unfit.items():
        if value:
            raise ConfigError(name, "does not go with --input", "leave one of them out")
    if words:
        raise ConfigError(words[0], "is one word too many", TOO_MANY)
    if options.input_dir is None or options.output_dir is None:
        raise ConfigError("--output", "goes with --input: name the directory that gets the outputs")
    _check_input(options.input_dir)
    if "/" in options.suffix or "\0" in options.suffix:
        raise ConfigError("--suffix", "must not hold a /", "outputs lie where their inputs do")
    job = DirectoryJob(
        unit=unit,
        wishes=_wishes(options, unit),
        input=options.input_dir,
        output=options.output_dir,
        suffix=options.suffix,
        is_forced=options.force,
        patience_s=options.patience,
    )
    check_folders(job)
    return job


def _check_input(folder: Path) -> None:
    remedy = "name the directory with the inputs"
    try:
        is_directory = stat.S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        raise ConfigError("--input", f"{folder} cannot be used: {error.strerror or error}", remedy) from error
    if not is_directory:
        raise ConfigError("--input", f"{folder} is no directory", remedy)


def _generated(options: Options, words: list[str]) -> dict[str, Any]:
    if options.output_dir is not None or options.force or options.suffix:
        raise ConfigError("--output", "goes with --input: name the directory with the inputs")
    if (options.range_text is None) == (not options.grid):
        raise ConfigError("inputs", "give one of --input, --range, --grid")
    if not options.wait and (options.ordered or options.out):
        raise ConfigError("--ordered" if options.ordered else "--out", "goes with --wait")
    if options.range_text is not None:
        if words:
            raise ConfigError(words[0], "is one word too many", TOO_MANY)
        return _checked("--range", range_spec(options.range_text))
    return _checked("--grid", grid_spec([word for given in options.grid for word in given.split()] + words))


def _checked(flag: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a payload spec that a manager would take."""
    try:
        parse_spec(spec)
    except InvalidDocument as error:
        raise ConfigError(flag, str(error), "disio submit --help tells the forms") from error
    return spec


def _wishes(options: Options, unit: Unit) -> Wishes:
    for name, value in (("--output-format", options.output_format), ("--clock", options.clock)):
        if value is not None and unit.language != "wasm":
            raise ConfigError(name, f"is for WebAssembly; this work unit is {unit.language}", "leave it out")
    if options.runtime == "native" and unit.language != "python":
        raise ConfigError("--runtime", f"native is for Python; this work unit is {unit.language}", "leave it out")
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
    )


def _kinds(text: str | None) -> tuple[Kind, ...]:
    words = [] if text is None else text.split(",")
    if any(word not in KINDS for word in words):
        raise ConfigError("--kinds", f"{text} is not web, cli or web,cli")
    return tuple(kind for kind in KINDS if kind in words)


def _run_directory(job: DirectoryJob, options: Options) -> int:
    if options.dry_run:
        document = asyncio.run(dry_run(job))
        if document is None:
            click.echo("nothing is missing", err=True)
        else:
            _print_document(document, options.as_json)
        return 0
    report = _attended(options, lambda manager, screen: DirectoryRun(job, manager, screen))
    if isinstance(report, int):
        return report
    if report.task is not None:
        click.echo(report.sentence(), err=True)
    if options.as_json:
        _print_json(report)
    return report.status()


def _run_generated(document: dict[str, Any], options: Options) -> int:
    if options.dry_run:
        _print_document(document, options.as_json)
        return 0
    if options.out is not None and os.path.isdir(options.out):
        raise ConfigError("--out", f"{options.out} is a directory", "name a file")
    job = GeneratedJob(
        document=document,
        is_awaited=options.wait,
        is_ordered=options.ordered,
        out=options.out,
        is_json=options.as_json,
        patience_s=options.patience,
    )
    report = _attended(options, lambda manager, screen: GeneratedRun(job, manager, screen))
    if isinstance(report, int):
        return report
    if not options.wait:
        click.echo(msgspec.json.encode(report) if options.as_json else report.task)
        click.echo(f"Next: disio explain {report.task}", err=True)
        return 0
    click.echo(report.sentence(), err=True)
    if options.as_json and options.out is not None:
        _print_json(report)
    return report.status()


def _attended(options: Options, make: Callable[[ManagerClient, Screen], Run]) -> Report | int:
    """Run while a person may watch; return the report, or the exit status when it was broken off."""
    url, token = locate(options.manager, options.token_file, options.data_dir)
    made: list[Run] = []

    async def attend(screen: Screen) -> Report:
        async with ManagerClient.from_files(url, token) as manager:
            made.append(make(manager, screen))
            return await made[0].run()

    with Screen() as screen:
        try:
            return asyncio.run(attend(screen))
        except KeyboardInterrupt:
            screen.say("stopped; " + made[0].way_back() if made else "stopped")
            return DETACHED
        except BrokenPipeError:
            screen.say("nobody reads the results any more; " + made[0].way_back())
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its end flushes nothing into the pipe
            return FAILURE
        except DisioError as error:
            if made and (error.retryable or (isinstance(error, OutputProblem) and made[0].task)):
                screen.say(made[0].way_back())
            raise


def _print_document(document: dict[str, Any], as_json: bool) -> None:
    text = msgspec.json.encode(document)
    click.echo(text if as_json else msgspec.json.format(text, indent=2))


def _print_json(report: Report) -> None:
    click.echo(msgspec.json.encode(report))
