"""Where many tests of the dispatcher begin."""

from disio_shared import messages
from tests.unit.distributor.core.bench import Bench


def serving(stop: int = 1000, **settings: object) -> Bench:
    """A bench with a manager and one block."""
    bench = Bench(**settings)
    bench.admit()
    bench.grant(0, stop)
    return bench


def assigned(bench: Bench, session: str, slots: int = 2) -> messages.Assign:
    """What a client gets at once."""
    assign = bench.ready(session, slots)
    assert assign is not None
    return assign


def reason(bench: Bench, session: str) -> str:
    """Why a client gets nothing."""
    assert bench.ready(session) is None
    return bench.to(session, messages.Idle)[-1].reason
