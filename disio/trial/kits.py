"""Files that a language needs beside its units, as they lie in the distributor's package.

Rule: they are read here alone, whoever hands them on.
"""

from pathlib import Path

from disio.trial.trials import TrialFailed
from disio_distributor.web import STATIC

KITS = STATIC / "kits"
NEEDED = frozenset({"python"})
"""Languages that do not run without."""


def files_of(language: str, folder: Path = KITS) -> dict[str, Path]:
    """Return the files of a language by name; empty for languages that need none.

    Raises:
        TrialFailed: They are not built.
    """
    if language not in NEEDED:
        return {}
    place = folder / language
    files = {path.name: path for path in sorted(place.iterdir()) if path.is_file()} if place.is_dir() else {}
    if not files:
        raise TrialFailed(f"the files that {language} units need are not built", "run: make web")
    return files
