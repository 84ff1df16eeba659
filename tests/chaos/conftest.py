"""Fixtures of the chaos tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.env import Env


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    """Yield a place to start services in; everything is stopped and looked over afterwards."""
    made = Env(tmp_path)
    yield made
    made.stop()
