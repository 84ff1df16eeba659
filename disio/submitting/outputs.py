"""The outputs of a task: one file for each input.

Rule: under an output's name there is nothing or the whole of it, after a crash of the machine too. It is written under
another name in the same directory, flushed to the disk, and only then renamed.
"""

import base64
import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from disio.submitting.naming import OWN_PREFIX, blocked_outputs, clashing_names, output_name, some_of
from disio_shared.errors import ConfigError, DisioError

PARTIAL_PREFIX = f"{OWN_PREFIX}partial-"
FLUSHERS = 8
"""Files that are flushed at a time: a disk takes several for the price of one."""
RUN_AGAIN = "results stay with the manager, run it again after"
CHOOSE_ANOTHER = "see to its rights and its disk's room, or choose another place"
"""Remedies."""
_RAW = b'{"$base64"'


class OutputProblem(DisioError):
    """An output cannot be written."""

    code = "output"

    def __init__(self, path: Path, error: OSError, remedy: str = RUN_AGAIN) -> None:
        problem = error.strerror or str(error)
        super().__init__(f"{path} cannot be written: {problem}; {remedy}")


class Output(NamedTuple):
    """What an input's output holds."""

    name: str
    """The input's."""
    data: bytes


def output_bytes(result: bytes, is_json: bool) -> bytes:
    """Return what a file of a result holds.

    Bytes as they are, a string as its text, anything else as JSON text with a line's end.

    Args:
        result: The result as the manager shows it: JSON text, raw bytes as ``{"$base64": ...}``.
        is_json: JSON was asked for, so that strings are JSON too.
    """
    if result.startswith(_RAW):
        value: dict[str, Any] = msgspec.json.decode(result)
        if len(value) == 1:
            return base64.b64decode(value["$base64"])
    if result.startswith(b'"') and not is_json:
        return msgspec.json.decode(result, type=str).encode()
    return result + b"\n"


class OutputFolder:
    """A directory with outputs.

    Args:
        root: The directory; ``make`` creates it.
        suffix: What outputs have behind their input's name.
    """

    def __init__(self, root: Path, suffix: str) -> None:
        self.root, self._suffix = root, suffix
        self._pool = ThreadPoolExecutor(FLUSHERS, thread_name_prefix="outputs")
        self._numbers = itertools.count()

    def make(self) -> None:
        """Create the directory.

        Raises:
            ConfigError: It cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"{self.root} cannot be made: {error.strerror or error}"
            raise ConfigError("--output", problem, "choose another directory") from error

    def refuse_clashes(self, names: Sequence[str], own: str) -> None:
        """Refuse inputs whose outputs would be one file here, where another file system keeps them apart.

        Args:
            names: Of all inputs.
            own: A file that is there; its name has letters.

        Raises:
            ConfigError: There are such.
        """
        try:
            is_folding = os.path.samefile(self.root / own, self.root / own.upper())
        except OSError:
            return
        clashes = clashing_names(names) if is_folding else []
        if clashes:
            problem = f"the file system of {self.root} does not tell upper from lower case: {some_of(clashes)}"
            raise ConfigError("--output", problem, "rename them, or choose a directory on another disk")

    @contextlib.contextmanager
    def scratch_file(self) -> Iterator[IO[bytes]]:
        """Yield a file without a name in the directory.

        Raises:
            OutputProblem: It cannot be made.
        """
        try:
            file = tempfile.TemporaryFile(dir=self.root)  # noqa: SIM115 - closed below, where errors are of no use
        except OSError as error:
            raise OutputProblem(self.root, error, CHOOSE_ANOTHER) from error
        try:
            yield file
        finally:
            with contextlib.suppress(OSError):  # it writes what is left, where there may be no room
                file.close()

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the inputs that have no output.

        Raises:
            ConfigError: Something that is no file stands where an output belongs.
        """
        blocked = blocked_outputs(names, self._suffix) if self._suffix else []
        missing = []
        for name in names:
            path = self._path(name)
            if os.path.isfile(path):
                continue
            missing.append(name)
            if os.path.lexists(path):
                blocked.append(output_name(name, self._suffix))
        if blocked:
            problem = f"in {self.root} there is, or would be, something else than a file under {some_of(blocked)}"
            raise ConfigError("--output", problem, "choose another directory or --suffix")
        return missing

    def sweep(self, names: Sequence[str]) -> None:
        """Remove the halves of files that a killed run left behind."""
        for folder in {str(self.root), *(os.path.dirname(self._path(name)) for name in names)}:
            with contextlib.suppress(OSError):
                for left in [entry for entry in os.scandir(folder) if entry.name.startswith(PARTIAL_PREFIX)]:
                    os.unlink(left.path)

    def write(self, outputs: Sequence[Output]) -> None:
        """Write outputs; on return all of them are on the disk.

        Raises:
            OutputProblem: One cannot be written; the others may be or not.
        """
        folders = {os.path.dirname(self._path(output.name)) for output in outputs}
        for folder in folders:
            _make_folder(folder)
        for _ in self._pool.map(self._write_one, outputs):
            pass
        for folder in folders:
            _flush_folder(folder)

    def write_own(self, name: str, data: bytes) -> None:
        """Write a file of disio's own beside the outputs, as whole as an output.

        Raises:
            OutputProblem: It cannot be written.
        """
        self._replace(str(self.root / name), data)
        _flush_folder(str(self.root))

    def close(self) -> None:
        """Wait for what is being written."""
        self._pool.shutdown()

    def _path(self, name: str) -> str:
        return os.path.join(self.root, output_name(name, self._suffix))

    def _write_one(self, output: Output) -> None:
        self._replace(self._path(output.name), output.data)

    def _replace(self, path: str, data: bytes) -> None:
        partial = os.path.join(os.path.dirname(path), f"{PARTIAL_PREFIX}{os.getpid()}-{next(self._numbers)}")
        try:
            try:
                with open(partial, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(partial, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial)
                raise
        except OSError as error:
            raise OutputProblem(Path(path), error) from error


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputProblem(Path(folder), error) from error


def _flush_folder(folder: str) -> None:
    """Flush the names in a directory, where the system can do that; raises OutputProblem."""
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputProblem(Path(folder), error) from error
