"""Where things come from: Python itself, a package that is installed, or the program's own files.

Rule: pure but for what is imported already; nothing is imported or executed to find out.
"""

import sys
import sysconfig
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any, Literal

Origin = Literal["python", "installed", "own"]
_ABSENT = (
    "aifc asynchat asyncore audioop cgi cgitb chunk crypt curses dbm distutils ensurepip grp imghdr imp lib2to3 "
    "mailcap msilib msvcrt nis nntplib nt ossaudiodev pipes pwd readline resource smtpd sndhdr spwd sunau syslog "
    "telnetlib tkinter turtle turtledemo uu venv winreg winsound xdrlib"
)
ABSENT = frozenset(_ABSENT.split())
"""Modules of Python's library that the sandbox has not: by trial in Pyodide 314, CPython 3.14."""
_PATHS = sysconfig.get_paths()


def origin_of(module: str) -> Origin:
    """Tell where a module comes from."""
    top = module.partition(".")[0]
    if top == "__main__":
        return "own"
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return "python"
    if top not in sys.modules:
        return _origin_unseen(top)
    file = getattr(sys.modules.get(module), "__file__", None) or getattr(sys.modules[top], "__file__", None)
    return _origin_in(file)


def origin_of_thing(thing: Any) -> Origin:
    """Tell where a function or class comes from; a function of a module that is gone by its file."""
    module = str(thing.__module__)
    if isinstance(thing, FunctionType) and module.partition(".")[0] not in sys.modules:
        return _origin_in(thing.__code__.co_filename)
    return origin_of(module)


def _origin_unseen(top: str) -> Origin:
    """Tell where a module comes from that was not imported; one that is not here must be in a package elsewhere."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        spec = None
    return _origin_in(spec.origin) if spec is not None else "installed"


def _origin_in(file: str | None) -> Origin:
    if file is None:
        return "own"
    places = (_PATHS["purelib"], _PATHS["platlib"], "site-packages", "dist-packages")
    return "installed" if any(place in file for place in places) else "own"


def home_of(thing: Any, name: str) -> tuple[str, str] | None:
    """Return the module and the name there by which a function or class of Python or a package is imported.

    Args:
        thing: It.
        name: What it is called where it is used.
    """
    module, own = str(getattr(thing, "__module__", None) or ""), getattr(thing, "__qualname__", None)
    names = list(dict.fromkeys(each for each in (own, name) if each))
    public = sys.modules.get(module.lstrip("_"))
    for place in filter(None, [public, *_others(thing, names), sys.modules.get(module)]):
        found = next((each for each in names if getattr(place, each, None) is thing), None)
        if place is public and found is None:
            found = next((each for each, value in vars(place).items() if value is thing), None)
        if found is not None:
            return place.__name__, found
    return None


def _others(thing: Any, names: list[str]) -> list[ModuleType]:
    """Return public modules of Python's library that have a thing by one of its names."""
    return [
        found
        for module, found in sorted(sys.modules.items())
        if not module.startswith("_")
        and module.partition(".")[0] in sys.stdlib_module_names
        and any(vars(found).get(each) is thing for each in names)
    ]
