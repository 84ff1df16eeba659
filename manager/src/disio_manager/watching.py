"""What the pages that people watch need, in one place.

Rule: nothing here is on the way of a result.
"""

from dataclasses import dataclass
from pathlib import Path

from disio_manager.api.sharing import Shared
from disio_manager.bulk import Bulks
from disio_manager.grouping import Grouping
from disio_manager.recording import Recording
from disio_manager.timing import Timing


@dataclass(slots=True)
class Watching:
    """Parts that are made once."""

    recording: Recording
    shared: Shared
    bulks: Bulks
    grouping: Grouping
    timing: Timing
    data: Path
    """Where the manager's data lies."""
    is_public: bool
    """Anybody may see the status page."""
