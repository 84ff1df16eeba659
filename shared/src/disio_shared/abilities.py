"""What clients announce and tasks need: a language, or native Python of one cluster.

Rule: an ability is one string on every wire, so whoever matches tasks with clients compares strings and nothing else.
"""

import re

LANGUAGES = ("javascript", "wasm", "python")
"""What runs in the sandbox of the unit runtime."""
MAX_ABILITIES = 32
"""Of one client."""
NATIVE = "python-native:"
_WORDS = {"javascript": "JavaScript", "wasm": "WebAssembly", "python": "Python"}
_CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,100}")


def ability(language: str, runtime: str, cluster: str) -> str:
    """Return what a client must announce to run a task.

    Args:
        language: Of the work unit.
        runtime: ``sandbox``, or ``native`` for Python in a process of the client's machine.
        cluster: The id of the managers that hold the task, which a client's owner trusts or not.
    """
    return NATIVE + cluster if runtime == "native" else language


def is_native(name: str) -> bool:
    """Tell whether an ability stands for native Python."""
    return name.startswith(NATIVE)


def is_ability(name: str) -> bool:
    """Tell whether a string from a wire is one."""
    return name in LANGUAGES or (is_native(name) and _CLUSTER.fullmatch(name.removeprefix(NATIVE)) is not None)


def in_words(name: str) -> str:
    """Return how people are told of an ability."""
    if is_native(name):
        return f"native Python, trusted for cluster {name.removeprefix(NATIVE)}"
    return _WORDS.get(name, name)
