"""The inputs of a task: the regular files below a directory.

Rule: nothing is left out unsaid. What cannot be an input is named and refused; hidden files are left out and counted.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from disio.submitting.naming import is_hidden, is_text, some_of
from disio_manager.tar_index import MAX_FILE_BYTES, MAX_NAME_BYTES
from disio_shared.errors import ConfigError


class Input(NamedTuple):
    """One file."""

    name: str
    """Relative to the directory, with ``/``."""
    size: int
    mtime_ns: int


class Found(NamedTuple):
    """What lies in a directory."""

    inputs: list[Input]
    """Sorted by name."""
    hidden: int
    """Hidden files and directories that were left out."""

    def names(self) -> list[str]:
        """Return the inputs' names, sorted."""
        return [each.name for each in self.inputs]

    def digest(self) -> bytes:
        """Return a hash of names, sizes and times; contents are not read."""
        digest = hashlib.sha256()
        for each in self.inputs:
            digest.update(f"{each.size} {each.mtime_ns} {each.name}\0".encode())
        return digest.digest()


def find_inputs(folder: Path) -> Found:
    """Find the inputs below a directory.

    Raises:
        ConfigError: There are none, or there is something that is no readable regular file.
    """
    inputs: list[Input] = []
    refused: list[str] = []
    hidden, folders = 0, [""]
    while folders:
        inside = folders.pop()
        entries, left_out = _entries(folder, inside, refused)
        hidden += left_out
        for name, entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            else:
                status = entry.stat(follow_symlinks=False)
                inputs.append(Input(name, status.st_size, status.st_mtime_ns))
    if refused:
        remedy = "move them out of the directory, or put fit copies in their place"
        raise ConfigError("--input", f"not fit to be inputs: {some_of(sorted(refused))}", remedy)
    if not inputs:
        remedy = "hidden files do not count" if hidden else "put one in it for each input"
        raise ConfigError("--input", f"there is no file in {folder}", remedy)
    return Found(sorted(inputs), hidden)


def _entries(folder: Path, inside: str, refused: list[str]) -> tuple[list[tuple[str, os.DirEntry[str]]], int]:
    """Return what is usable in one directory, by its name, and how many hidden entries were left out.

    What is neither is added to ``refused``.
    """
    usable, hidden = [], 0
    try:
        entries = list(os.scandir(folder / inside))
    except OSError as error:
        refused.append(f"{inside or str(folder)!r} ({error.strerror or error})")
        return [], 0
    for entry in entries:
        name = f"{inside}/{entry.name}" if inside else entry.name
        if is_hidden(entry.name):
            hidden += 1
        elif problem := _problem(entry, name):
            refused.append(f"{name!r} ({problem})")
        else:
            usable.append((name, entry))
    return usable, hidden


def _problem(entry: os.DirEntry[str], name: str) -> str:
    """Return why an entry can be neither an input nor a directory with inputs; empty = it can."""
    if not is_text(name):
        return "its name is not UTF-8"
    try:
        return _unfit(entry, name)
    except OSError as error:  # it was there a moment ago
        return str(error.strerror or error)


def _unfit(entry: os.DirEntry[str], name: str) -> str:
    if entry.is_symlink():
        return "a symbolic link"
    if entry.is_dir(follow_symlinks=False):
        return ""
    if not entry.is_file(follow_symlinks=False):
        return "a device, pipe or socket"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"its name is over the limit of {MAX_NAME_BYTES} bytes"
    if entry.stat(follow_symlinks=False).st_size > MAX_FILE_BYTES:
        return f"it is over the limit of {MAX_FILE_BYTES} bytes"
    return "" if os.access(entry.path, os.R_OK) else "may not be read"
