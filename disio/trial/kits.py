"""Files that a language needs beside its units, as they lie in the distributor's package.

Rule: they are read here alone, whoever hands them on.
"""

from pathlib import Path

import msgspec

from disio.trial.trials import TrialFailed
from disio_distributor.web import STATIC

KITS = STATIC / "kits"
LIST = "kits.json"
NEEDED = frozenset({"python"})
"""Languages that do not run without."""


class _File(msgspec.Struct):
    name: str


class _Kit(msgspec.Struct):
    """One language's entry in the list that the build writes."""

    name: str
    """Of its folder."""
    files: list[_File]


def files_of(language: str, folder: Path = KITS) -> dict[str, Path]:
    """Return the files of a language by name; empty for languages that need none.

    Raises:
        TrialFailed: They are not built.
    """
    if language not in NEEDED:
        return {}
    try:
        kit = msgspec.json.decode((folder / LIST).read_bytes(), type=dict[str, _Kit])[language]
    except (OSError, msgspec.DecodeError, KeyError):
        raise TrialFailed(f"the files that {language} units need are not built", "run: make web") from None
    return {file.name: folder / kit.name / file.name for file in kit.files}
