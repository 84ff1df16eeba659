"""A directory of inputs in, a directory of outputs out.

Rule: an output that is there is not computed again, and a task that was made is found again: however often a run is
broken off and repeated, each input is computed once.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from disio.patience import Patience
from disio.rest import ManagerClient, RestProblem, ResultLine
from disio.submitting.document import Unit, Wishes, program_digest, task_document, work_digest
from disio.submitting.failures import MAX_SHOWN, FailureLog, failure_text
from disio.submitting.following import Follower
from disio.submitting.gaps import AsTheyCome
from disio.submitting.inputs import Found, find_inputs
from disio.submitting.memory import LOCK_FILE, MEMORY_FILE, Memory, is_same_work, lock, memory_bytes, recall
from disio.submitting.outputs import Output, OutputFolder, output_bytes
from disio.submitting.progress import Screen
from disio.submitting.reporting import FINISHED_STATES, Report
from disio.submitting.uploading import archive, files_spec, upload
from disio_shared.errors import ConfigError, DisioError
from disio_shared.ids import fresh_id

FAILURES_PAGE = 500
KEY_LENGTH = 24


class DirectoryJob(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    unit: Unit
    wishes: Wishes
    input: Path
    output: Path
    suffix: str
    is_forced: bool
    """Compute what has an output too."""
    patience_s: float


def check_folders(job: DirectoryJob) -> None:
    """Refuse directories that lie inside one another: outputs would become inputs.

    Raises:
        ConfigError: They do.
    """
    source, target = Path(os.path.realpath(job.input)), Path(os.path.realpath(job.output))
    if source == target or source in target.parents or target in source.parents:
        problem = f"{job.output} and {job.input} must not lie inside one another"
        raise ConfigError("--output", problem, "outputs would become inputs: name a directory beside it")


async def dry_run(job: DirectoryJob) -> dict[str, Any] | None:
    """Return the document that a run would send; None = nothing is missing."""
    check_folders(job)
    names = find_inputs(job.input).names()
    missing = OutputFolder(job.output, job.suffix).missing(names)
    wanted = names if job.is_forced else missing
    if not wanted:
        return None
    archived = await archive(job.input, wanted, None)
    return task_document(job.unit, job.wishes, files_spec(archived.sha256))


class ResultsMissing(DisioError):
    """A task is over and not all of its results can be read."""

    code = "results-missing"

    def __init__(self, task: str, count: int) -> None:
        super().__init__(
            f"task {task} is over, but {count} of its results cannot be read; run it again to compute them"
        )


class DirectoryRun:
    """One run.

    Args:
        job: What is asked for.
        manager: Who has it done.
        screen: Where a person reads.
    """

    def __init__(self, job: DirectoryJob, manager: ManagerClient, screen: Screen) -> None:
        self._job, self._manager, self._screen = job, manager, screen
        self._patience = Patience(job.patience_s, screen.say)
        self._outputs = OutputFolder(job.output, job.suffix)
        self._report = Report()
        self._awaited: set[str] = set()
        """Inputs whose output is still to be written."""
        self.task = ""
        """The task that is followed; empty = none yet."""

    def way_back(self) -> str:
        """Return what a person does after this run was broken off."""
        if not self.task:
            return "run the same command again to go on"
        return f"task {self.task} goes on without it; run the same command again for the rest of its outputs"

    async def run(self) -> Report:
        """Compute what is missing; return what became of it.

        Raises:
            ConfigError: The directories cannot be used so.
            DisioError: The manager refuses or is away for too long, or an output cannot be written.
        """
        began = time.monotonic()
        check_folders(self._job)
        found = await asyncio.to_thread(find_inputs, self._job.input)
        self._outputs.make()
        held = lock(self._job.output)
        try:
            self._outputs.refuse_clashes(found.names(), LOCK_FILE)
            await asyncio.to_thread(self._outputs.sweep, found.names())
            with FailureLog(self._job.output) as failures:
                await self._compute(found, failures)
        finally:
            self._outputs.close()
            held.release()
        self._report.failures = str(failures.path) if failures.names else None
        self._report.seconds = round(time.monotonic() - began, 3)
        return self._report

    async def _compute(self, found: Found, failures: FailureLog) -> None:
        names, report = found.names(), self._report
        if found.hidden:
            self._screen.say(f"hidden files and directories are left out: {found.hidden}")
        missing = await asyncio.to_thread(self._outputs.missing, names)
        wanted = names if self._job.is_forced else missing
        report.total, report.already = len(names), len(names) - len(wanted)
        if not wanted:
            self._screen.say(f"nothing is missing: the outputs of all {len(names)} inputs are there")
            return
        self._awaited = set(wanted)
        known = await self._known(found)
        if known.task:
            self._screen.say(f"task {known.task} of an earlier run has what is missing: following it again")
            await self._follow(known, failures)
        # None are left, unless somebody deleted outputs that the task of before has no inputs for.
        left = [name for name in wanted if name in self._awaited and name not in failures.names]
        if left and report.state in FINISHED_STATES:
            await self._follow(await self._create(left, known), failures)

    async def _known(self, found: Found) -> Memory:
        """Return what is known of this very work: its task, if it has one that was not followed to its end."""
        cluster = await self._manager.cluster()
        fresh = self._fresh_memory(found, cluster)
        memory = recall(self._job.output)
        if memory is None:
            return fresh
        if memory.program != fresh.program and self._report.already:
            self._screen.say(
                f"{self._report.already} outputs are there from another program, or another way to run it: "
                "--force computes them again"
            )
        if not is_same_work(memory, fresh):
            if memory.task and not memory.is_ended:
                self._screen.say(f"task {memory.task} of an earlier run had other inputs or options and is left alone")
            return fresh
        if memory.task and await self._is_gone(memory.task):
            self._screen.say(f"task {memory.task} of an earlier run is deleted")
            return fresh
        return memory

    def _fresh_memory(self, found: Found, cluster: str) -> Memory:
        document = task_document(self._job.unit, self._job.wishes, {"forced": self._job.is_forced})
        return Memory(
            cluster=cluster,
            program=program_digest(document),
            work=work_digest(document, found.digest()),
            key=fresh_id(KEY_LENGTH),
        )

    async def _is_gone(self, task: str) -> bool:
        try:
            await self._manager.task(task)
        except RestProblem as problem:
            if problem.status == 404:
                return True
            raise
        return False

    async def _create(self, names: list[str], known: Memory) -> Memory:
        """Upload inputs and make a task of them; return what is to be remembered."""
        with self._outputs.scratch_file() as file:
            archived = await archive(self._job.input, names, file)
            is_repeat = not known.task and known.blob == archived.sha256
            key = known.key if is_repeat else fresh_id(KEY_LENGTH)
            memory = msgspec.structs.replace(known, blob=archived.sha256, key=key, task="")
            self._remember(memory)
            await self._patience.ask(lambda: upload(self._manager, archived, file))
        document = task_document(self._job.unit, self._job.wishes, files_spec(archived.sha256))
        try:
            made = await self._patience.ask(lambda: self._manager.create_task(document, key))
        except RestProblem:
            self._remember(msgspec.structs.replace(memory, is_ended=True))
            raise
        memory.task = made["id"]
        self._remember(memory)
        self._screen.say(f"task {made['id']} created: {len(names)} inputs, {archived.size} bytes")
        return memory

    def _remember(self, memory: Memory) -> None:
        self._outputs.write_own(MEMORY_FILE, memory_bytes(memory))

    async def _follow(self, memory: Memory, failures: FailureLog) -> None:
        """Follow a task to its end, write its outputs, note its failures.

        Raises:
            ResultsMissing: The manager has fewer results than it counts.
        """
        self.task = self._report.task = memory.task
        seen = await self._patience.ask(lambda: self._manager.task(memory.task))
        wanted = AsTheyCome(seen["total"])
        follower = Follower(self._manager, memory.task, wanted, self._take, self._screen, self._patience)
        ended = await follower.follow()
        self._screen.rest(self.task)
        if follower.taken < ended["done"]:
            raise ResultsMissing(memory.task, ended["done"] - follower.taken)
        await self._note_failures(memory.task, failures)
        self._report.state, self._report.failed = ended["state"], len(failures.names)
        self._remember(msgspec.structs.replace(memory, is_ended=True))

    async def _take(self, batch: list[ResultLine]) -> None:
        is_json = self._job.wishes.output == "json"
        # Only names of our own: what a manager says must not decide where files are written.
        wanted = [found for found in batch if found.name in self._awaited]
        await asyncio.to_thread(
            lambda: self._outputs.write(
                [Output(found.name, output_bytes(bytes(found.result), is_json)) for found in wanted]
            )
        )
        self._awaited.difference_update(found.name for found in wanted)
        self._report.written += len(wanted)

    async def _note_failures(self, task: str, failures: FailureLog) -> None:
        start = 0
        while items := await self._patience.ask(lambda: self._manager.failures(task, start, FAILURES_PAGE)):  # noqa: B023
            for item in items[: max(0, MAX_SHOWN - len(failures.names))]:
                for line in failure_text(item):
                    self._screen.say(line)
            failures.add(task, items)
            start = items[-1]["i"] + 1
        if len(failures.names) > MAX_SHOWN:
            self._screen.say(f"... and {len(failures.names) - MAX_SHOWN} more in {failures.path}")
