"""click, as commands use it: with rich_click's help and errors, but for a shell that completes, which shows neither.

Rule: whatever stands here has the same name, and does the same, in both.
"""

import os
from typing import TYPE_CHECKING

from disio.front import COMPLETE

if TYPE_CHECKING or COMPLETE not in os.environ:
    from rich_click import *  # noqa: F403
else:  # a third of the time that completing an option takes
    from click import *  # noqa: F403
    from click import Command as RichCommand  # noqa: F401
    from click import Group as RichGroup  # noqa: F401
