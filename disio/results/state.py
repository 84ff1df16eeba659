"""How far a download is, beside the file it makes.

Rule: it never says more than what is on the disk; what it does not say is fetched again.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from disio.submitting.naming import OWN_PREFIX
from disio.submitting.outputs import CHOOSE_ANOTHER, OutputProblem
from disio_manager.locks import FileLock, InUse
from disio_shared.errors import ConfigError, ConflictError
from disio_shared.ranges import Run

VERSION = 1
MAX_CLIENTS = 1_000
"""Clients that are counted by themselves."""


class Clients(msgspec.Struct):
    """Who computed the results."""

    results: dict[str, int] = {}
    others: int = 0
    """Results of clients beyond the first ``MAX_CLIENTS``."""

    def count(self, clients: Iterable[str]) -> None:
        """Count results, each by its client."""
        for client, results in Counter(clients).items():
            if client in self.results or len(self.results) < MAX_CLIENTS:
                self.results[client] = self.results.get(client, 0) + results
            else:
                self.others += results


class State(msgspec.Struct, kw_only=True):
    """One download."""

    version: int = VERSION
    cluster: str
    task: str
    format: str
    start: int
    stop: int
    """The indexes that are wanted; ``stop`` is none of them."""
    is_ordered: bool
    is_matched: bool = False
    """What the task searches for is wanted, and nothing else."""
    left: list[Run]
    """Those of them that are not on the disk."""
    cursor: str | None = ""
    """What came before it is on the disk; None = the manager does not know the order."""
    mark: int = 0
    """What the sink goes on from."""
    rows: int = 0
    columns: list[str] = []
    clients: Clients = msgspec.field(default_factory=Clients)

    def asks_the_same(self, other: "State") -> bool:
        """Tell whether another one is of the same download."""
        mine, theirs = (
            (each.version, each.cluster, each.task, each.format, each.start, each.stop, each.is_ordered)
            for each in (self, other)
        )
        return mine == theirs and self.is_matched == other.is_matched


class Places(msgspec.Struct, frozen=True):
    """The files of a download."""

    path: Path
    part: Path
    state: Path
    lock: Path
    provenance: Path


class DownloadBusy(ConflictError):
    """Another download writes to the same file."""

    code = "download-busy"

    def __init__(self, path: Path) -> None:
        super().__init__(f"another disio results writes to {path}: wait for it, or choose another --out")


@contextlib.contextmanager
def held(places: Places) -> Iterator[None]:
    """Hold the files of a download; a process that is killed lets go of them.

    Raises:
        DownloadBusy: Somebody else does.
        OutputProblem: Nothing can be written there.
    """
    try:
        lock = FileLock(places.lock, places.path)
    except InUse as error:
        raise DownloadBusy(places.path) from error
    except OSError as error:
        raise OutputProblem(places.path, error, CHOOSE_ANOTHER) from error
    try:
        yield
    finally:
        lock.release()
        places.lock.unlink(missing_ok=True)


def places_of(path: Path) -> Places:
    """Return where a download keeps what: beside what a link leads to."""
    real = Path(os.path.realpath(path))
    hidden = real.with_name(f"{OWN_PREFIX}part-{real.name}")
    return Places(
        path, hidden, Path(f"{hidden}.json"), Path(f"{hidden}.lock"), real.with_name(f"{real.name}.provenance.json")
    )


def recall(places: Places, fresh: State) -> State | None:
    """Return how far an earlier download came; None = there is none.

    Raises:
        ConfigError: It is of something else.
    """
    try:
        state = msgspec.json.decode(places.state.read_bytes(), type=State)
    except OSError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = f"{places.state} is damaged"
        raise ConfigError("--resume", problem, "start again without --resume") from error
    if state.mark and not _is_there(places, state):
        return None
    if not state.asks_the_same(fresh):
        problem = f"what was begun at {places.path} is of another task, format, range or order"
        raise ConfigError("--resume", problem, "give the same options, another --out, or leave --resume out")
    return state


def _is_there(places: Places, state: State) -> bool:
    """Tell whether what was written is still there."""
    if state.format == "dir":
        return places.path.is_dir()
    if state.format in ("parquet", "sqlite"):
        return places.part.exists()
    return places.part.is_file() and places.part.stat().st_size >= state.mark


def remember(places: Places, state: State) -> None:
    """Write it down.

    Raises:
        OutputProblem: It cannot be.
    """
    write_whole(places.state, msgspec.json.encode(state))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        OutputProblem: It cannot be written.
    """
    partial = path.with_name(f"{OWN_PREFIX}partial-{os.getpid()}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise OutputProblem(path, error) from error
