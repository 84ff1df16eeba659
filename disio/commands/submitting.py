"""What ``disio submit`` makes of its options.

Rule: what is wrong with the options is told before anything is sent.
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

from disio import shapes
from disio.commands.asking import manager_of
from disio.commands.submit_growing import opened, source_of
from disio.commands.submit_inputs import TOO_MANY, payloads_of, read_all
from disio.commands.submit_options import Options, check_nothing_more, check_text, wishes_of
from disio.printing import emit
from disio.rest import ManagerClient
from disio.submitting.directory import DirectoryJob, DirectoryRun, check_folders, dry_run
from disio.submitting.document import Unit, task_document, unit_of
from disio.submitting.generated import GeneratedJob, GeneratedRun
from disio.submitting.outputs import OutputProblem
from disio.submitting.progress import Screen
from disio.submitting.records import Records
from disio.submitting.reporting import FAILURE, Report
from disio_shared.errors import ConfigError, DisioError, InvalidDocument
from disio_shared.taskdoc import MAX_DOCUMENT_BYTES, MAX_WORKUNIT_BYTES, parse_task

DETACHED = 130


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
    if options.task_file is not None:
        check_nothing_more(options)
        return _run_generated(_whole_document(options.task_file), Records({}), options)
    file, words = _workunit_file(options)
    check_text(options, words)
    unit = unit_of(file.name, _read(file), options.binary is not None)
    if options.input_dir is not None:
        return _run_directory(_directory_job(options, unit, words), options)
    _check_generated(options)
    wishes = wishes_of(options, unit.language)
    if options.source is not None:
        options.source = source_of(options)
    with opened(options) if options.is_open else payloads_of(options, words) as records:
        document = task_document(unit, wishes, records.spec)
        return _run_generated(document, records, options)


def _whole_document(name: str) -> dict[str, Any]:
    """Return a task document that is written down already."""
    data = read_all("--task", name, MAX_DOCUMENT_BYTES)
    try:
        parse_task(data)
    except InvalidDocument as error:
        raise ConfigError("--task", str(error), "docs/tasks.md tells the fields") from error
    return msgspec.json.decode(data, type=dict[str, Any])


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
    unfit = {**options.named(), "--ordered": options.ordered, "--out": options.out, "--key": options.key}
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
        wishes=wishes_of(options, unit.language),
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


def _check_generated(options: Options) -> None:
    if options.is_open and options.named().keys() - {"--list"}:
        raise ConfigError("--open", "goes with --list, or by itself", "give the others with disio payloads append")
    if options.output_dir is not None or options.force or options.suffix:
        raise ConfigError("--output", "goes with --input: name the directory with the inputs")
    if not options.wait and (options.ordered or options.out):
        raise ConfigError("--ordered" if options.ordered else "--out", "goes with --wait")


def _run_directory(job: DirectoryJob, options: Options) -> int:
    if options.dry_run:
        document = asyncio.run(dry_run(job))
        if document is None:
            click.echo("nothing is missing", err=True)
        else:
            _print_document(document, options.where.as_json)
        return 0
    report = _attended(options, lambda manager, screen: DirectoryRun(job, manager, screen))
    if isinstance(report, int):
        return report
    if report.task is not None:
        click.echo(report.sentence(), err=True)
    if options.where.as_json:
        emit(shapes.Submitted, report)
    return report.status()


def _run_generated(document: dict[str, Any], records: Records, options: Options) -> int:
    if options.dry_run:
        _print_document(document, options.where.as_json)
        return 0
    if options.out is not None and os.path.isdir(options.out):
        raise ConfigError("--out", f"{options.out} is a directory", "name a file")
    job = GeneratedJob(
        document=document,
        is_awaited=options.wait,
        is_ordered=options.ordered,
        out=options.out,
        is_json=options.where.as_json,
        patience_s=options.patience,
        key=options.key or "",
    )
    report = _attended(options, lambda manager, screen: GeneratedRun(job, records, manager, screen))
    if isinstance(report, int):
        return report
    if not options.wait:
        if options.where.as_json:
            emit(shapes.Submitted, report)
        else:
            click.echo(report.task)
            click.echo(f"Next: disio task watch {report.task}, disio results {report.task} --follow", err=True)
        return 0
    click.echo(report.sentence(), err=True)
    if options.where.as_json and options.out is not None:
        emit(shapes.Submitted, report)
    return report.status()


def _attended(options: Options, make: Callable[[ManagerClient, Screen], Run]) -> Report | int:
    """Run while a person may watch; return the report, or the exit status when it was broken off."""
    client = manager_of(options.where)
    made: list[Run] = []

    async def attend(screen: Screen) -> Report:
        async with client as manager:
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
