"""What stands between native Python units and the machine: bubblewrap, kernel namespaces, or limits alone.

Rule: nobody assumes that a wall holds. A worker is started inside it first, and the strongest one that lets it start is
used and named.
"""

import enum
import os
import shutil
import site
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import disio_client


class Walls(enum.Enum):
    """The strongest first."""

    BUBBLEWRAP = "bubblewrap"
    NAMESPACES = "namespaces"
    LIMITS = "limits"


IN_WORDS = {
    Walls.BUBBLEWRAP: "in bubblewrap: without network, without sight of your files and processes",
    Walls.NAMESPACES: "without network and without sight of other processes, but with your files in reach",
    Walls.LIMITS: "with limits alone: your files, processes and network are in reach",
}
"""What each means, for people: how native units run."""
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SHARED_ETC = ("/etc/ld.so.cache", "/etc/alternatives")
"""Of ``/etc`` what loading system libraries takes."""
_INSIDE = "/unit"
"""The private directory as units see it inside bubblewrap."""
_START = "import sys; n = sys.argv.index('--'); sys.path[:] = sys.argv[2:n]; del sys.argv[2:n + 1]; "
_START += "from disio_client.engines.native_worker import main; main()"


def candidates() -> Iterator[Walls]:
    """Yield what this platform may have, the strongest first."""
    if sys.platform == "linux":
        if shutil.which("bwrap"):
            yield Walls.BUBBLEWRAP
        if shutil.which("unshare"):
            yield Walls.NAMESPACES
    yield Walls.LIMITS


def command(walls: Walls, private: Path) -> list[str]:
    """Return the command of a worker behind these walls.

    Args:
        walls: Of ``candidates``.
        private: An empty directory, its only place to write.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    python = _python(is_bound=setpriv is not None)
    bound = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
    if walls is Walls.NAMESPACES:
        return [*_namespaces(bound), *python]
    if walls is Walls.BUBBLEWRAP:
        return [*([*bound, "--"] if bound else []), *_bubblewrap(private), *python]
    return [*([*bound, "--no-new-privs", "--"] if bound else []), *python]


def environment(walls: Walls, private: Path) -> dict[str, str]:
    """Return the whole environment of a worker: nothing of the owner's."""
    home = _INSIDE if walls is Walls.BUBBLEWRAP else str(private)
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    clean = {
        "PATH": os.defpath if sys.platform == "win32" else "/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # Replicas of a unit agree only if sets of strings have the same order in each.
        "PYTHONHASHSEED": "0",
        **dict.fromkeys(threads, "1"),  # a slot is one core
    }
    if sys.platform == "win32":  # without it Windows starts no process
        clean |= {"SYSTEMROOT": os.environ.get("SYSTEMROOT", ""), "TEMP": home, "TMP": home}
    return clean


def import_places() -> list[str]:
    """Return where a worker may import from: what the client itself can, but not its working directory."""
    paths = sys.path if sys.flags.safe_path else sys.path[1:]
    working = os.getcwd()
    found = [place for place in paths if os.path.isabs(place) and os.path.exists(place) and place != working]
    return list(dict.fromkeys([*found, str(Path(disio_client.__file__).parent.parent)]))


def _python(is_bound: bool) -> list[str]:
    # As with -I nothing comes from the working directory or a user's variables, but PYTHONHASHSEED does.
    python = [os.path.abspath(sys.executable), "-s", "-P", "-B", "-X", "utf8", "-c", _START]
    return [*python, "bound" if is_bound else "watch", *import_places(), "--"]


def _namespaces(bound: list[str]) -> list[str]:
    """Return what makes namespaces: those of users first, which gives the powers that the others take.

    The order matters: getting powers makes the kernel forget that we end with the client, so that is said after it, and
    the powers are given up before Python starts.
    """
    others = ["unshare", "--pid", "--net", "--ipc", "--mount-proc", "--fork", "--kill-child=KILL"]
    users = ["unshare", "--user", "--map-current-user"]
    if not bound:
        return [*users, *others[1:], "--"]
    powers = ["--no-new-privs", "--ambient-caps=-all", "--inh-caps=-all", "--bounding-set=-all"]
    return [*users, "--keep-caps", "--", *bound, "--", *others, "--", bound[0], *powers, "--"]


def _bubblewrap(private: Path) -> list[str]:
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    words += ["--ro-bind", "/usr", "/usr"]
    for folder in _SYSTEM:
        if os.path.islink(folder):
            words += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            words += ["--ro-bind", folder, folder]
    for shared in _SHARED_ETC:
        words += ["--ro-bind-try", shared, shared]
    words += ["--proc", "/proc", "--dev", "/dev", "--bind", str(private), _INSIDE]
    for place in _shown(_interpreter_places()):
        words += ["--ro-bind", place, place]
    return [*words, "--chdir", _INSIDE, "--"]


def _interpreter_places() -> Iterator[str]:
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)
    yield str(Path(sys.executable).parent)
    yield str(Path(sys.executable).resolve().parent)
    yield from import_places()


def _shown(places: Iterable[str]) -> list[str]:
    """Return the places to show inside: none twice, and none that has the owner's home in it."""
    homes = {Path.home(), Path(site.getuserbase())}
    kept: list[Path] = []
    for place in sorted({Path(place) for place in places}):
        is_too_wide = any(home == place or place in home.parents for home in homes)
        is_shown = any(other == place or other in place.parents for other in [Path("/usr"), *kept])
        if not is_too_wide and not is_shown:
            kept.append(place)
    return [str(place) for place in kept]
