"""A whole disio for tests of the SDK, started once for all tests of a file."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.env import Env, Started
from tests.waiting import wait_until


class Place:
    """A manager, a distributor and a client.

    Args:
        folder: For their data.
    """

    manager: Started

    def __init__(self, folder: Path) -> None:
        self.env = Env(folder)
        self.token_file = folder / "manager" / "admin.token"

    def start(self, is_trusting: bool, cores: int) -> None:
        """Start all of them.

        Args:
            is_trusting: The client runs native Python.
            cores: Of the client.
        """
        self.manager = self.env.manager()
        trust = ("--trust-native", self.cluster()) if is_trusting else ()
        self.env.client(self.env.distributor(self.manager.url).url, *trust, cores=cores)
        asyncio.run(wait_until(lambda: self.slots() == cores, on_timeout=self.env.dump))

    def slots(self) -> int:
        """Return how many units run at a time, as far as the manager knows."""
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        asked = urllib.request.Request(f"{self.manager.url}/api/stats", headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return int(json.load(answer)["slots"])

    @property
    def how(self) -> dict[str, Any]:
        """What a client needs to know beside the URL."""
        return {"token_file": self.token_file}

    def cluster(self) -> str:
        """Return the id that a client trusts."""
        with urllib.request.urlopen(f"{self.manager.url}/api/link", timeout=10) as answer:
            return str(json.load(answer)["cluster"])

    def stop(self) -> None:
        """Stop everything and look for crashes; the client's log may tell of units that raised."""
        for service in reversed(self.env.started):
            assert service.ends(), f"{service.name} did not stop:\n{service.tail()}"
        for service in self.env.started[:2]:
            assert "Traceback" not in service.tail(), f"{service.name} logged a traceback:\n{service.tail()}"


@contextmanager
def place_in(folder: Path, is_trusting: bool = False, cores: int = 2) -> Iterator[Place]:
    """Yield a place; everything is stopped and looked over afterwards."""
    made = Place(folder)
    try:
        made.start(is_trusting, cores)
        yield made
    finally:
        made.stop()
