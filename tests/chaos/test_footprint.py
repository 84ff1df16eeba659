"""The soaks' measure of growth sees what grows."""

import os

from tests.chaos.footprint import Footprint


def test_growth_is_measured_from_the_warm_up_to_the_end() -> None:
    footprint = Footprint("leaky", os.getpid())
    # Doubles while warming up, stays, then gains a tenth; one look falls into a busy moment.
    sizes = [100] * 10 + [200] * 60 + [999] + [220] * 29
    footprint.looks = [(float(at), size, size // 10) for at, size in enumerate(sizes)]
    memory, descriptors = footprint.growth(warm_s=10, window_s=20)
    assert (round(memory, 3), round(descriptors, 3)) == (0.1, 0.1)
    assert "+10.0%" in footprint.told(10, 20)


def test_a_look_sees_this_process() -> None:
    footprint = Footprint("this one", os.getpid())
    footprint.look()
    before = footprint.looks[-1][2]
    with open(os.devnull, "rb"):
        footprint.look()
    assert footprint.looks[-1][2] == before + 1
    assert footprint.looks[-1][1] > 1_000_000
