"""Batch sizes."""

from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.core.batching import batch_size, fair_share
from disio_distributor.core.pace import Pace
from disio_distributor.core.settings import CoreSettings

SETTINGS = CoreSettings()


def pace(unit_s: float | None, batch: int = 5_000) -> Pace:
    made = Pace()
    made.unit_s, made.batch = unit_s, batch
    return made


def test_an_unknown_speed_earns_one_payload_per_slot() -> None:
    assert batch_size(SETTINGS, pace(None), slots=4, open_now=0) == 4
    assert batch_size(SETTINGS, pace(None), slots=4, open_now=3) == 1


def test_a_known_speed_earns_the_target_time() -> None:
    assert batch_size(SETTINGS, pace(0.1), slots=4, open_now=0) == 120
    assert batch_size(SETTINGS, pace(1e-6), slots=4, open_now=0) == SETTINGS.max_batch


def test_units_longer_than_the_target_go_one_per_slot_and_a_little_ahead() -> None:
    assert batch_size(SETTINGS, pace(5.0), slots=4, open_now=4) == 4
    assert batch_size(SETTINGS, pace(5.0), slots=4, open_now=8) == 0
    assert batch_size(SETTINGS, pace(100.0), slots=4, open_now=3) == 1
    assert batch_size(SETTINGS, pace(100.0), slots=4, open_now=4) == 0


@given(
    unit_s=st.none() | st.floats(1e-6, 1e4),
    batch=st.integers(0, 5_000),
    slots=st.integers(1, 1_024),
    open_now=st.integers(0, 50_000),
)
def test_a_client_that_only_asks_gets_an_end(unit_s: float | None, batch: int, slots: int, open_now: int) -> None:
    size = batch_size(SETTINGS, pace(unit_s, batch), slots, open_now)
    assert 0 <= size <= SETTINGS.max_batch
    if open_now > 2 * SETTINGS.max_batch + slots:
        assert size == 0


@given(size=st.integers(1, 5_000), ready=st.integers(1, 10_000), slots=st.integers(1, 64), others=st.integers(0, 640))
def test_a_share_is_at_least_one_and_leaves_half_to_the_others(size: int, ready: int, slots: int, others: int) -> None:
    share = fair_share(size, ready, slots, clients=1 + bool(others), all_slots=slots + others)
    assert 1 <= share <= size
    if others:
        assert share <= ready / 2 + 1
