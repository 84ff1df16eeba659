"""What both kinds of blob stores do with uploads that come in pieces.

Rule: what is kept under a hash has that hash, and two connections never write one upload at a time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from disio_shared.errors import ConflictError, FieldProblem, InvalidDocument, StoreUnavailable

MAX_DIGESTS = 64
"""Hashes of unfinished uploads that are kept in memory; one that is not is reckoned from what is stored."""


class UploadConflict(ConflictError):
    """An upload does not go on where the bytes that are here end."""

    code = "upload-offset"

    def __init__(self, sha256: str, expected: int) -> None:
        self.expected = expected
        super().__init__(f"{expected} bytes of blob {sha256} are here: go on from there, or begin again from 0")


class UploadBusy(ConflictError):
    """Another connection writes an upload just now."""

    code = "upload-busy"
    retryable = True

    def __init__(self, sha256: str) -> None:
        super().__init__(f"another connection uploads blob {sha256}: try again when it has ended")


class NoSpace(StoreUnavailable):
    """An upload does not fit on the disk; what came of it is kept."""

    code = "no-space"
    http_status = 507


class Digest:
    """SHA-256 of the beginning of an upload."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """Take in what comes next."""
        self._hash.update(data)
        self.size += len(data)

    def check(self, sha256: str) -> None:
        """Compare.

        Raises:
            InvalidDocument: It is another one.
        """
        if self._hash.hexdigest() != sha256:
            raise InvalidDocument([FieldProblem("sha256", f"the body's hash is {self._hash.hexdigest()}")])


class Digests:
    """Digests of unfinished uploads, from one connection to the next."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Digest] = OrderedDict()

    def keep(self, upload: str, digest: Digest) -> None:
        """Keep one; of too many the oldest is forgotten."""
        self._kept[upload] = digest
        while len(self._kept) > MAX_DIGESTS:
            self._kept.popitem(last=False)

    def take(self, upload: str, size: int) -> Digest | None:
        """Return the digest of the first ``size`` bytes of an upload if it is known, and keep it no longer."""
        digest = self._kept.pop(upload, None)
        return digest if digest is not None and digest.size == size else None


class Held:
    """Which uploads of this process are written now."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    @contextmanager
    def holding(self, name: str) -> Iterator[None]:
        """Hold an upload.

        Raises:
            UploadBusy: Somebody else does.
        """
        if name in self._names:
            raise UploadBusy(name)
        self._names.add(name)
        try:
            yield
        finally:
            self._names.remove(name)
