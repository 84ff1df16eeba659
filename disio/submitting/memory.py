"""What an output directory remembers of the run that writes to it.

Rule: it is written before the task is made, so a run that was killed at any moment finds its task again instead of
making a second one. One run at a time writes to a directory.
"""

from pathlib import Path

import msgspec

from disio.submitting.naming import OWN_PREFIX
from disio.submitting.outputs import CHOOSE_ANOTHER, OutputProblem
from disio_manager.locks import FileLock, InUse
from disio_shared.errors import ConflictError

MEMORY_FILE = f"{OWN_PREFIX}submit.json"
LOCK_FILE = f"{OWN_PREFIX}submit.lock"
VERSION = 1


class Memory(msgspec.Struct, kw_only=True):
    """One run."""

    version: int = VERSION
    cluster: str
    """Of the managers that have the task."""
    program: str
    """Hash of the code and how it is run."""
    work: str
    """Hash of the document and of all inputs, those with an output included."""
    blob: str = ""
    """Hash of the archive with the inputs that the task has; empty = none was made yet."""
    key: str
    """The Idempotency-Key of its creation."""
    task: str = ""
    """Its id; empty = the manager's answer has not come."""
    is_ended: bool = False
    """It was followed to its end, so the next run makes another one."""


class OutputBusy(ConflictError):
    """Another run writes to the same directory."""

    code = "output-busy"

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another disio submit writes to {folder}: wait for it, or choose another --output")


def lock(folder: Path) -> FileLock:
    """Hold an output directory until this process ends or lets go.

    Raises:
        OutputBusy: Somebody else does.
        OutputProblem: Nothing can be written there.
    """
    try:
        return FileLock(folder / LOCK_FILE, folder)
    except InUse as error:
        raise OutputBusy(folder) from error
    except OSError as error:
        raise OutputProblem(folder, error, CHOOSE_ANOTHER) from error


def recall(folder: Path) -> Memory | None:
    """Return what a directory remembers; None = nothing that this version understands."""
    try:
        memory = msgspec.json.decode((folder / MEMORY_FILE).read_bytes(), type=Memory)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return memory if memory.version == VERSION else None


def memory_bytes(memory: Memory) -> bytes:
    """Return a memory as it is written."""
    text: bytes = msgspec.json.format(msgspec.json.encode(memory), indent=2)
    return text + b"\n"


def is_same_work(memory: Memory, fresh: Memory) -> bool:
    """Tell whether a remembered run is what is asked for now, at the same managers, and not over."""
    return not memory.is_ended and (memory.cluster, memory.work) == (fresh.cluster, fresh.work)
