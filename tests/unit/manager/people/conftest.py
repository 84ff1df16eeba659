"""A manager whose password hashes cost nothing."""

import pytest

from tests.unit.manager.people.signed import cheap
from tests.unit.manager.served import Served


@pytest.fixture
def people(manager: Served) -> Served:
    cheap(manager)
    return manager
