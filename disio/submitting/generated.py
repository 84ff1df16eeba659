"""Payloads that a spec generates in, results as lines out.

Rule: a line is written once, whole, and is one result; the number of payloads costs no memory.
"""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from disio.patience import Patience
from disio.rest import ManagerClient, ResultLine
from disio.submitting.failures import MAX_SHOWN, failure_text
from disio.submitting.following import Follower
from disio.submitting.gaps import AsTheyCome, InOrder
from disio.submitting.naming import OWN_PREFIX
from disio.submitting.outputs import CHOOSE_ANOTHER, OutputProblem
from disio.submitting.progress import Screen
from disio.submitting.records import Records
from disio.submitting.reporting import Report
from disio.submitting.uploading import upload
from disio_shared.ids import fresh_id

KEY_LENGTH = 24


class GeneratedJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    document: dict[str, Any]
    is_awaited: bool
    is_ordered: bool
    out: Path | None
    """Where result lines go; None = stdout."""
    is_json: bool
    """Lines are whole objects, as the manager shows them; else they are the results alone."""
    patience_s: float
    key: str = ""
    """The Idempotency-Key of the task; empty = a fresh one."""


class Lines:
    """Where result lines go: stdout, or a file that is there when it is whole. Use as a context manager.

    Args:
        path: The file; None = stdout. A device or a pipe is written to as it is.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._partial: Path | None = None
        self._file: IO[bytes]

    def __enter__(self) -> "Lines":
        with self._noting():
            if self._path is not None:
                self._partial = _partial_of(self._path)
                self._file = (self._partial or self._path).open("wb")
            elif sys.stdout is not None:
                self._file = sys.stdout.buffer
            else:  # as with >&-
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._path is None:
            return
        try:
            if kind is None:
                self._finish(self._path)
        finally:
            with contextlib.suppress(OSError):
                self._file.close()
            with contextlib.suppress(OSError):
                if self._partial is not None:
                    self._partial.unlink(missing_ok=True)

    def write(self, lines: list[bytes]) -> None:
        """Write lines.

        Raises:
            OutputProblem: They cannot be written.
            BrokenPipeError: Nobody reads stdout any more.
        """
        with self._noting():
            self._file.write(b"".join(line + b"\n" for line in lines))
            self._file.flush()

    def _finish(self, path: Path) -> None:
        """Give the whole file its name."""
        with self._noting():
            if self._partial is not None:
                os.fsync(self._file.fileno())
            self._file.close()
            if self._partial is not None:
                self._partial.replace(os.path.realpath(path))

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Tell what goes wrong by the name of the file."""
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputProblem(self._path or Path("stdout"), error, CHOOSE_ANOTHER) from error


def _partial_of(path: Path) -> Path | None:
    """Return what a file is called until it is whole, beside what a link leads to; None = it is no regular file."""
    if os.path.exists(path) and not os.path.isfile(path):
        return None
    return Path(os.path.realpath(path)).with_name(f"{OWN_PREFIX}partial-{os.getpid()}")


class GeneratedRun:
    """One run.

    Args:
        job: What is asked for.
        records: Inputs that are to be uploaded, if there are any.
        manager: Who has it done.
        screen: Where a person reads.
    """

    def __init__(self, job: GeneratedJob, records: Records, manager: ManagerClient, screen: Screen) -> None:
        self._job, self._records, self._manager, self._screen = job, records, manager, screen
        self._patience = Patience(job.patience_s, screen.say)
        self.task = ""
        """The task that was made; empty = none yet."""

    def way_back(self) -> str:
        """Return what a person does after this run was broken off."""
        if not self.task:
            return "no task was created, as far as is known"
        order = " --ordered" if self._job.is_ordered else ""
        return f"task {self.task} goes on without it; come back with: disio results {self.task} --follow{order}"

    async def run(self) -> Report:
        """Create the task; if it is awaited, write its results until it is over.

        Raises:
            DisioError: The manager refuses or is away for too long, or results cannot be written.
        """
        began = time.monotonic()
        if self._job.is_awaited:
            with Lines(self._job.out) as lines:  # before there is a task: its results must have a place
                report = await self._create()
                await self._follow(lines, report)
        else:
            report = await self._create()
        report.seconds = round(time.monotonic() - began, 3)
        return report

    async def _create(self) -> Report:
        key = self._job.key or fresh_id(KEY_LENGTH)
        await self._upload()
        made = await self._patience.ask(lambda: self._manager.create_task(self._job.document, key))
        self.task = made["id"]
        more = " so far" if made.get("growing") else ""
        self._screen.say(f"task {self.task} created: {made['total']} payloads{more}")
        return Report(task=self.task, state=made["state"], total=made["total"])

    async def _upload(self) -> None:
        archived, file = self._records.archived, self._records.file
        if archived is not None and file is not None:
            self._screen.say(f"uploading {archived.size} bytes of inputs")
            await self._patience.ask(lambda: upload(self._manager, archived, file))

    async def _follow(self, lines: Lines, report: Report) -> None:
        wanted = InOrder(report.total) if self._job.is_ordered else AsTheyCome(report.total)

        async def take(batch: list[ResultLine]) -> None:
            lines.write([found.line if self._job.is_json else bytes(found.result) for found in batch])

        follower = Follower(self._manager, self.task, wanted, take, self._screen, self._patience)
        ended = await follower.follow()
        self._screen.rest(self.task)
        report.state, report.failed, report.written = ended["state"], ended["failed"], follower.taken
        report.total = ended["total"]
        if ended["failed"]:
            await self._tell_failures(ended["failed"])

    async def _tell_failures(self, count: int) -> None:
        items = await self._patience.ask(lambda: self._manager.failures(self.task, 0, MAX_SHOWN))
        for item in items:
            for line in failure_text(item):
                self._screen.say(line)
        if count > len(items):
            self._screen.say(f"... and {count - len(items)} more: disio results {self.task} --failures")
