"""What the manager needs of a store, as small protocols.

Rule: every method raises ``StoreUnavailable`` when the database does not answer, and nothing else of the driver's.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from disio_manager.core.changes import Change
from disio_manager.core.records import (
    BlockRecord,
    DistributorRecord,
    LoadedTask,
    Look,
    SharedTask,
    StretchRecord,
    TaskRecord,
)
from disio_manager.stores.audit import HasAudit
from disio_manager.stores.documents import HasDocuments
from disio_manager.stores.finding import HasFinding
from disio_manager.stores.histories import HasHistory
from disio_manager.stores.journal import HasJournal
from disio_manager.stores.keys import HasKeys
from disio_manager.stores.origins import HasOrigins
from disio_manager.stores.people import HasPeople
from disio_manager.stores.rows import FailureRow as FailureRow
from disio_manager.stores.rows import ResultRow as ResultRow
from disio_manager.stores.rows import TaskPage as TaskPage
from disio_manager.stores.segments import HasSegments
from disio_manager.stores.sites import HasSites
from disio_manager.stores.snapshots import HasSnapshots
from disio_manager.stores.tries import HasTries
from disio_shared.ranges import Run

TOKEN_KEY_BYTES = 32


class VoteRow(msgspec.Struct, frozen=True):
    """One further result of a payload."""

    index: int
    client: str
    distributor: str
    seconds: float
    agrees: bool
    """With the canonical result."""
    value: bytes
    """Empty when it agrees."""


class CoreStore(Protocol):
    """What the core's shell needs. A store is opened for one manager, whose id it is given."""

    async def load(self) -> list[LoadedTask]:
        """Return all open tasks with this manager's blocks; counters of its stretches are counted from the rows."""
        ...

    async def load_task(self, task: str) -> LoadedTask | None:
        """Return one task in any state, as ``load`` does; what ``TaskCommanded.stored`` wants."""
        ...

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable (SQLite: fsync; MongoDB: majority) before returning.

        Raises:
            OwnershipLost: Another manager owns a stretch or block that was to be written: this one was taken for gone.
        """
        ...

    async def prove_writable(self) -> None:
        """Write something small that nobody reads; return when it is durable and there is room for more."""
        ...

    async def next_number(self) -> int:
        """Return a task number never given before."""
        ...


class ReadStore(Protocol):
    """What the REST interface reads."""

    async def cluster_id(self) -> str:
        """Return this database's id, made at first use."""
        ...

    async def token_key(self) -> bytes:
        """Return the 32 random bytes that its distributors make tokens with, made at first use."""
        ...

    async def task(self, task: str) -> TaskRecord | None:
        """Return a task by id."""
        ...

    async def tasks(self, state: str, q: str, limit: int, cursor: str, numbers: Sequence[Run] = ()) -> TaskPage:
        """Return tasks whose state is ``state`` (empty = any) and whose name or tag holds ``q``, newest first.

        ``numbers`` are runs of those that are meant; none = all.
        """
        ...

    def results(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield pages of results in index order from index ``start``, at most ``limit`` rows (0 = all)."""
        ...

    def matches(self, task: str, start: int, limit: int) -> AsyncIterator[list[ResultRow]]:
        """Yield as ``results`` does, those that satisfy the task's ``stop_when`` alone."""
        ...

    async def failures(self, task: str, start: int, limit: int) -> list[FailureRow]:
        """Return quarantined payloads in index order from index ``start``, at most ``limit`` rows (0 = all)."""
        ...

    async def distributors(self) -> list[DistributorRecord]:
        """Return every distributor ever seen, at most 10,000."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class VoteStore(Protocol):
    """Further results, for people."""

    async def votes(self, task: str, start: int, limit: int) -> list[VoteRow]:
        """Return votes by index, then client, from index ``start`` on, at most ``limit`` (0 = all).

        A vote on an index that has no result waits, unseen, until it has one.
        """
        ...

    async def disagreements(self, task: str) -> int:
        """Return how many votes of a task differ from the canonical result: its ``invalid``."""
        ...


class BlobStore(Protocol):
    """Uploaded bytes of any size by their SHA-256, and beside each what was read out of it once (indexes).

    A blob is all there or not there at all, and comes in by ``append`` and ``finish``. It goes with the last task that
    names it (``TaskRecord.blob``).
    """

    async def offset(self, sha256: str) -> int:
        """Return how many bytes of an unfinished upload are here: where it is to go on."""
        ...

    async def append(self, sha256: str, offset: int, parts: AsyncIterator[bytes], *, is_last: bool) -> int:
        """Go on with an upload; return how many bytes of it are here.

        What came is kept, whatever ``parts`` raises, though not always to the last byte: ask ``offset``.

        Args:
            offset: How many bytes came before, as ``offset`` says; 0 throws away whatever is here.
            is_last: Nothing comes after ``parts``.

        Raises:
            UploadConflict: Other than ``offset`` bytes are here.
            UploadBusy: Somebody else goes on with it now.
            NoSpace: There is no room for it; what came is kept.
        """
        ...

    async def finish(self, sha256: str) -> bool:
        """Let an upload be seen after its last part; False when the blob is there already.

        Raises:
            InvalidDocument: It has another hash; nothing is left of it.
            UploadConflict: Its end did not come yet.
            UploadBusy: Somebody else goes on with it now.
        """
        ...

    async def drop_part(self, sha256: str) -> None:
        """Forget an unfinished upload; none is fine.

        Raises:
            UploadBusy: Somebody else goes on with it now.
        """
        ...

    async def size(self, sha256: str) -> int | None:
        """Return how many bytes a blob has; None when a task that names it from now on might lose it."""
        ...

    async def read(self, sha256: str, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` on, fewer at the end.

        Raises:
            BlobNotFound: It is not there.
        """
        ...

    async def put_index(self, sha256: str, kind: str, index: bytes) -> None:
        """Keep an index beside a blob, one of each kind (a few lower-case letters, digits and ``-``)."""
        ...

    async def index(self, sha256: str, kind: str) -> bytes | None:
        """Return an index of a blob, if it has one of that kind."""
        ...

    async def drop_old_parts(self, before: float) -> None:
        """Remove unfinished uploads of which nothing came since a time (seconds since 1970)."""
        ...

    async def drop_orphans(self, before: float) -> None:
        """Remove what was uploaded before a time (seconds since 1970) and no task names; nobody may make one now."""
        ...


class WorkunitStore(Protocol):
    """Immutable code by its SHA-256."""

    async def put_workunit(self, sha256: str, language: str, code: bytes) -> None:
        """Keep code; a repeat is harmless."""
        ...

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        ...


class ManagerEntry(msgspec.Struct, frozen=True):
    """One manager that serves the database, by its own word."""

    id: str
    url: str
    since: float
    """When it started, seconds since 1970-01-01 UTC."""
    beat: int = 0
    """Grows with every renewal: one that stands still belongs to a manager that is gone, whatever its clock says."""


class ManagerRegistry(Protocol):
    """Who serves the database."""

    async def enlist(self, entry: ManagerEntry) -> None:
        """Put a manager in, or renew its entry."""
        ...

    async def managers(self) -> list[ManagerEntry]:
        """Return every entry, at most 100; of a store that one process alone can open, none."""
        ...

    async def strike_off(self, manager: str) -> None:
        """Take an entry out; one that is not there is fine."""
        ...


class SharedStore(Protocol):
    """What several managers on one database need. Each call is atomic and may be repeated."""

    is_shared: bool
    """False: one process alone can open the store, and nothing below is ever called."""

    async def claim(self, stretch: StretchRecord) -> list[StretchRecord]:
        """Insert a stretch if none of its task begins at its start; return all stretches of the task as they are now.

        A claim on a task that is gone, and one whose own insert is repeated, are fine: look at what is returned.
        """
        ...

    async def take_over(self, gone: str) -> list[LoadedTask]:
        """Make this manager the owner of whatever stretches and blocks of open tasks ``gone`` owns.

        Returns:
            The tasks concerned with the stretches taken, their blocks, closed and failed indexes, nothing else;
            none when another manager was faster. What a call took that then failed is in the answer of the next one.
        """
        ...

    async def look(self, known: Sequence[str]) -> Look:
        """Return what other managers did; ``known`` are the open tasks this manager has in memory."""
        ...

    async def recount(self) -> bool:
        """Look for results of own payloads that a commit wrote before it broke off, and this manager counts as open.

        Returns:
            Whether there are any: the next look has notices of them.
        """
        ...


class StoredBlock(NamedTuple):
    """A block as it is written."""

    block: BlockRecord
    owner: str
    """Manager id."""


IndexedRows = Literal["results", "failures", "matches"]
"""``matches``: the results that satisfy the task's ``stop_when``."""


class CheckStore(Protocol):
    """Rows as they are written, for whoever checks them; nothing is put right or counted anew."""

    async def tasks_after(self, number: int, limit: int) -> list[SharedTask]:
        """Return up to ``limit`` tasks in any state whose number is above ``number``, oldest first."""
        ...

    async def indexes(self, rows: IndexedRows, task: str, start: int, limit: int) -> list[int]:
        """Return up to ``limit`` indexes that have such a row, ascending from ``start``."""
        ...

    async def blocks(self, task: str, start: int, limit: int) -> list[StoredBlock]:
        """Return up to ``limit`` blocks that begin at ``start`` or above, by start."""
        ...


class HasBlobs(Protocol):
    """A store with a place for blobs."""

    @property
    def blobs(self) -> BlobStore:
        """Where blobs are."""
        ...


class ManagerStore(
    CoreStore,
    ReadStore,
    WorkunitStore,
    ManagerRegistry,
    SharedStore,
    VoteStore,
    CheckStore,
    HasBlobs,
    HasJournal,
    HasKeys,
    HasSegments,
    HasOrigins,
    HasSnapshots,
    HasPeople,
    HasAudit,
    HasDocuments,
    HasHistory,
    HasFinding,
    HasSites,
    HasTries,
    Protocol,
):
    """All of it."""
