"""What SQLite's errors mean to the person who runs a service.

Rule: the one table of them; only services that keep an SQLite file import this module, since it imports the driver.
"""

import apsw

from disio_shared.errors import StoreUnavailable

ELSEWHERE = "or choose another place with --data-dir"
REMEDIES: list[tuple[tuple[type[Exception], ...], str]] = [
    ((apsw.FullError,), "make room on that disk; nothing that was acknowledged is lost"),
    ((apsw.BusyError, apsw.LockedError), f"stop the other program that uses the file, {ELSEWHERE}"),
    ((apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError), f"make file and directory writable, {ELSEWHERE}"),
    ((apsw.NotADBError,), "choose another file, this one is not SQLite's"),
    ((apsw.CorruptError,), "restore the file from a backup"),
    ((apsw.IOError,), f"check the disk and the room on it, {ELSEWHERE}"),
    ((OSError,), f"make it writable, {ELSEWHERE}"),
]


def sqlite_unavailable(place: str, error: Exception) -> StoreUnavailable:
    """Return what an error of the driver, or of the file system under it, is to disio.

    Args:
        place: The file as the user knows it.
        error: ``apsw.Error`` or ``OSError``; a StoreUnavailable is returned as it is.
    """
    if isinstance(error, StoreUnavailable):
        return error
    problem = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
    remedy = next((remedy for kinds, remedy in REMEDIES if isinstance(error, kinds)), "")
    return StoreUnavailable(place, problem, remedy)
