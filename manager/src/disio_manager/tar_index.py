"""Where the files of an archive lie: read out of an uncompressed POSIX tar once, kept as columns.

Rule: only headers are looked at, a window at a time, and whatever is no plain file under a plain relative name is
refused by that name. Format: POSIX.1-2001 (ustar with pax headers), as Python's ``tarfile`` writes it.
"""

import sys
import tarfile
from array import array

import msgspec

from disio_manager.blob_problem import BadBlob
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.extents import FileExtents
from disio_shared.values import RAW_MARK

WINDOW = 1 << 20
"""Bytes of an archive looked at together; any header fits, with what belongs to it."""
MAX_FILES = 1_000_000
MAX_FILE_BYTES = MAX_PAYLOAD_BYTES - len(RAW_MARK)
MAX_NAME_BYTES = 1_024
MAX_NAMES_BYTES = 64 << 20
"""Of all names of an archive together."""
MAX_PAX_BYTES = 64 << 10
BLOCK = 512
END_MARK = bytes(BLOCK)
_KINDS = {
    tarfile.DIRTYPE: "a directory",
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


class _Columns(msgspec.Struct):
    offsets: bytes
    sizes: bytes
    ends: bytes
    """Of each name, where it ends in ``names``."""
    names: bytes


class Files:
    """The files of one archive, in its order."""

    def __init__(self) -> None:
        self.offsets, self.sizes, self._ends = array("Q"), array("I"), array("I")
        self._names = bytearray()

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def extents(self) -> FileExtents:
        """How large they are; shares the column."""
        return FileExtents(self.sizes)

    @property
    def memory(self) -> int:
        """What it takes in memory, in bytes, about."""
        return len(self._names) + 16 * len(self)

    @property
    def names_bytes(self) -> int:
        """Length of all names together."""
        return len(self._names)

    def add(self, name: str, offset: int, size: int) -> None:
        """Append a file whose bytes begin at ``offset`` of the archive."""
        self._names += name.encode()
        self.offsets.append(offset)
        self.sizes.append(size)
        self._ends.append(len(self._names))

    def name(self, index: int) -> str:
        """Return the name of a file."""
        return self._names[self._ends[index - 1] if index else 0 : self._ends[index]].decode()

    def encode(self) -> bytes:
        """Return the columns as bytes."""
        offsets, sizes, ends = map(_little_endian, (self.offsets, self.sizes, self._ends))
        return msgspec.msgpack.encode(_Columns(offsets, sizes, ends, bytes(self._names)))

    @classmethod
    def decode(cls, data: bytes) -> "Files":
        """Return what ``encode`` wrote.

        Raises:
            ValueError: It is something else.
        """
        columns, files = msgspec.msgpack.decode(data, type=_Columns), cls()
        for column, values in zip(
            (files.offsets, files.sizes, files._ends), (columns.offsets, columns.sizes, columns.ends), strict=True
        ):
            column.frombytes(values)
            if sys.byteorder == "big":
                column.byteswap()
        files._names += columns.names
        if not len(files.offsets) == len(files.sizes) == len(files._ends):
            raise ValueError("columns of unequal length")
        return files


class TarReader:
    """Reads headers out of windows of an archive.

    Args:
        size: Bytes of the archive.
    """

    def __init__(self, size: int) -> None:
        self.at = 0
        """Where the next window is to begin."""
        self.is_over = False
        self._files = Files()
        self._size = size
        self._seen: set[str] = set()
        self._pax: dict[str, str] = {}

    def found(self) -> Files:
        """Return what was found, after the end."""
        return self._files

    def feed(self, window: bytes) -> None:
        """Take in the headers in a window of ``WINDOW`` bytes from ``at`` on (fewer at the end); move ``at`` on.

        Raises:
            BadBlob: It is no such archive, or holds what is refused.
        """
        base = self.at
        while not self.is_over:
            start = self.at - base
            taken = self._take(window[start : start + BLOCK + MAX_PAX_BYTES]) if start < len(window) else 0
            if taken == 0 and start == 0:
                raise BadBlob("the archive is cut off: it has no end mark")
            if taken == 0:
                return
            self.at += taken
        if not self._files:
            raise BadBlob("the archive has no files")

    def _take(self, data: bytes) -> int:
        """Take in the header at the start of some bytes; return how long it is with what follows it, 0 = not all here.

        Raises:
            BadBlob: It is refused.
        """
        if len(data) < BLOCK:
            return 0
        if data.startswith(END_MARK):
            self.is_over = True
            return BLOCK
        try:
            info = tarfile.TarInfo.frombuf(data[:BLOCK], "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise BadBlob(f"no uncompressed tar: byte {self.at} begins no member ({error})") from error
        if info.type == tarfile.XHDTYPE:
            return self._take_pax(info.size, data)
        self._take_member(info)
        self._pax = {}
        return BLOCK + _padded(self._files.sizes[-1])

    def _take_pax(self, size: int, data: bytes) -> int:
        if size > MAX_PAX_BYTES:
            raise BadBlob(f"byte {self.at}: an extended header of {size} bytes, over {MAX_PAX_BYTES}")
        if len(data) < BLOCK + size:
            return 0
        try:
            self._pax = _pax_records(data[BLOCK : BLOCK + size])
        except ValueError as error:
            raise BadBlob(f"byte {self.at}: an extended header that cannot be read") from error
        return BLOCK + _padded(size)

    def _take_member(self, info: tarfile.TarInfo) -> None:
        name, size = self._pax.get("path", info.name), info.size
        if "size" in self._pax:
            if not self._pax["size"].isdecimal():
                raise BadBlob(f"member {name[:200]!r}: its size cannot be read")
            size = int(self._pax["size"])
        problem = self._kind_problem(info) or _name_problem(name) or self._problem(name, size)
        if problem:
            raise BadBlob(f"member {name[:200]!r} {problem}")
        self._seen.add(name)
        self._files.add(name, self.at + BLOCK, size)

    def _kind_problem(self, info: tarfile.TarInfo) -> str:
        is_sparse = any(key.startswith("GNU.sparse") for key in self._pax)
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not is_sparse:
            return ""
        kind = "a sparse file" if is_sparse else _KINDS.get(info.type)
        if kind:
            return f"is {kind}: only regular files can be payloads"
        return f"is of kind {info.type.decode('latin-1')!r}: write the archive in POSIX format (tar --format=pax)"

    def _problem(self, name: str, size: int) -> str:
        if name in self._seen:
            return "is there twice"
        if not 0 <= size <= MAX_FILE_BYTES:
            return f"has {size} bytes, over the limit of {MAX_FILE_BYTES}"
        if self.at + BLOCK + size > self._size:
            return "is cut off: the archive ends within it"
        if len(self._files) >= MAX_FILES:
            return f"is one too many: an archive has at most {MAX_FILES} files"
        is_long = self._files.names_bytes + len(name.encode()) > MAX_NAMES_BYTES
        return f"is one too many: the names have more than {MAX_NAMES_BYTES} bytes" if is_long else ""


def _name_problem(name: str) -> str:
    """Return why a name is refused: results are written under it."""
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if not 1 <= length <= MAX_NAME_BYTES or "\0" in name:
        return f"has a name that is not 1 to {MAX_NAME_BYTES} bytes of text"
    if name.startswith("/"):
        return "has an absolute name"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "has a name with an empty part, '.' or '..'"
    return ""


def _pax_records(data: bytes) -> dict[str, str]:
    """Return the records of an extended header, each ``LENGTH KEY=VALUE`` and a line feed.

    Raises:
        ValueError: They cannot be read.
    """
    records: dict[str, str] = {}
    while data.strip(b"\0"):
        head, _, _ = data.partition(b" ")
        length = int(head) if head.isdigit() else 0
        key, is_record, value = data[len(head) + 1 : length - 1].partition(b"=")
        if not is_record or not len(head) + 2 < length <= len(data):
            raise ValueError("no record")
        records[key.decode()] = value.decode("utf-8", "surrogateescape")
        data = data[length:]
    return records


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _little_endian(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
