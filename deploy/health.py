"""A container's health check: exit 0 when the service on this container's given port answers /healthz with 200."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3


def main() -> int:
    """Ask once; 1 with one line when the answer is not 200."""
    url = f"http://127.0.0.1:{int(sys.argv[1])}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S):
            return 0
    except (urllib.error.URLError, OSError) as problem:
        print(f"{url}: {problem}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
