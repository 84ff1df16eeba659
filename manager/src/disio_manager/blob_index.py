"""What is found out about a blob once, and kept beside it: of each kind of payloads its own.

Rule: whoever reads payloads out of a blob, in whichever task, uses one index of each kind.
"""

import hashlib
from typing import Protocol

import msgspec

from disio_manager.line_formats import format_of
from disio_manager.line_index import LineIndex, LineReader
from disio_manager.tar_index import Files, TarReader
from disio_shared.payloads import StoredSpec

BlobIndex = Files | LineIndex


class BlobReader(Protocol):
    """Looks through a blob, window by window."""

    @property
    def at(self) -> int:
        """Where the next window is to begin."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more is wanted."""
        ...

    def feed(self, window: bytes) -> None:
        """Take in bytes from ``at`` on; none when the blob ends there.

        Raises:
            BadBlob: It cannot be the payloads of a task.
        """
        ...

    def found(self) -> BlobIndex:
        """Return what was found, after the end.

        Raises:
            BadBlob: It cannot be the payloads of a task.
        """
        ...


def index_kind(spec: StoredSpec) -> str:
    """Return the name of a spec's index among those of its blob."""
    if not spec.numbers:
        return spec.kind
    columns = hashlib.sha256(msgspec.json.encode(sorted(spec.numbers))).hexdigest()
    return f"{spec.kind}-{columns[:16]}"


def decode_index(spec: StoredSpec, data: bytes) -> BlobIndex:
    """Return an index that was kept.

    Raises:
        ValueError: It is something else.
    """
    return Files.decode(data) if spec.kind == "files" else LineIndex.decode(data)


def reader_of(spec: StoredSpec, size: int) -> BlobReader:
    """Return what looks through the blob of a spec, which has so many bytes."""
    return TarReader(size) if spec.kind == "files" else LineReader(format_of(spec), size)
