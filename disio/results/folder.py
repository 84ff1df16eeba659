"""Results as files of a directory, one each.

Rule: a file is called as its input was, or by its index; nothing that a manager says leads out of the directory.
"""

from pathlib import Path

import msgspec

from disio.rest import ResultLine
from disio.submitting.naming import OWN_PREFIX
from disio.submitting.outputs import Output, OutputFolder, output_bytes
from disio_shared.errors import ConfigError


class Folder:
    """A directory with results.

    Args:
        path: The directory; it is made.
        total: Payloads of the task.

    Raises:
        ConfigError: It cannot be made.
    """

    def __init__(self, path: Path, total: int) -> None:
        self.columns: list[str] = []
        if path.exists() and not path.is_dir():
            raise ConfigError("--out", f"{path} is no directory", "name one, or another --format")
        self._outputs = OutputFolder(path, "")
        self._outputs.make()
        self._width = len(str(max(0, total - 1)))

    def write(self, rows: list[ResultLine]) -> None:
        """Take results; on return their files are on the disk."""
        self._outputs.write([Output(self._name(row), output_bytes(bytes(row.result), is_json=False)) for row in rows])

    def save(self) -> int:
        """Do nothing: every file is there already."""
        return 1

    def finish(self) -> None:
        """Wait for what is being written."""
        self._outputs.close()

    def close(self) -> None:
        """Wait for what is being written."""
        self._outputs.close()

    def _name(self, row: ResultLine) -> str:
        if is_safe(row.name):
            return row.name
        value = msgspec.json.decode(row.result)
        is_raw = isinstance(value, dict) and value.keys() == {"$base64"}
        return f"{row.i:0{self._width}}" + (".bin" if is_raw else ".txt" if isinstance(value, str) else ".json")


def is_safe(name: str) -> bool:
    """Tell whether a name leads to a place inside a directory and to nothing of disio's own there."""
    parts = name.split("/")
    is_inside = all(part not in ("", ".", "..") and not part.startswith(OWN_PREFIX) for part in parts)
    return is_inside and "\0" not in name and "\\" not in name and not Path(name).drive
