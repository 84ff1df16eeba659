"""Where the command line keeps the secrets of its sessions.

Rule: one file a manager, readable by its owner alone; it comes before ``admin.token`` and after ``--token-file``.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = "logins"


def login_file(place: Path, url: str) -> Path:
    """Return where the session at a manager is kept, whether there is one or not."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = parts.path.rstrip("/")
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{parts.scheme}_{parts.hostname}_{port}{path}")
    return place / FOLDER / f"{name}.token"
