"""Many inputs as one stream: an uncompressed tar archive, made on a disk.

Rule: the same inputs make the same bytes (sorted names, no times, no owners), and memory stays flat: one piece of one
file is held at a time. ``tarfile`` makes the headers; its own writer would remember every member.
"""

import hashlib
import os
import tarfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from disio_shared.errors import DisioError, InvalidInputError

PIECE = 1 << 20
BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
MODE = 0o644


class Archived(NamedTuple):
    """An archive that was made."""

    sha256: str
    size: int


class InputChanged(InvalidInputError):
    """A file could not be read as it was found."""

    code = "input-changed"

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"the input {name} {problem}; see that nothing writes to the inputs, and run it again")


class ArchiveProblem(DisioError):
    """The archive cannot be kept."""

    code = "archive"

    def __init__(self, error: OSError) -> None:
        problem = error.strerror or str(error)
        super().__init__(
            f"the inputs cannot be gathered in the output directory: {problem}; they need as much room there as they "
            "have now: make it, and run it again"
        )


class Interrupted(Exception):
    """The one who wanted the archive is gone."""


def write_archive(folder: Path, names: Sequence[str], out: IO[bytes] | None, stop: threading.Event) -> Archived:
    """Write files as an archive.

    Args:
        folder: Where they lie.
        names: Sorted names relative to it.
        out: Where the archive goes; None = only its hash is wanted.
        stop: Set by whoever does not want it any more.

    Raises:
        InputChanged: A file is gone, cannot be read or changes.
        ArchiveProblem: It cannot be written.
        Interrupted: ``stop`` was set.
    """
    digest, size = hashlib.sha256(), 0
    try:
        for piece in _pieces(folder, names):
            if stop.is_set():
                raise Interrupted
            digest.update(piece)
            size += len(piece)
            if out is not None:
                out.write(piece)
        if out is not None:
            out.flush()
    except OSError as error:  # those of the inputs are InputChanged
        raise ArchiveProblem(error) from error
    return Archived(digest.hexdigest(), size)


def _pieces(folder: Path, names: Sequence[str]) -> Iterator[bytes]:
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                yield from _member(name, file)
        except OSError as error:
            raise InputChanged(name, f"cannot be read: {error.strerror or error}") from error
    yield END


def _member(name: str, file: IO[bytes]) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = os.fstat(file.fileno()).st_size, MODE
    yield info.tobuf(tarfile.PAX_FORMAT)
    left = info.size
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            raise InputChanged(name, "became shorter while it was read")
        left -= len(piece)
        yield piece
    yield bytes(-info.size % BLOCK)
