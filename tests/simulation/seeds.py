"""Many runs on all cores: spread in small portions, stopped at the first that fails.

Rule: what a worker does depends on its seeds alone, and nothing is kept of a run that ended well.
"""

import gc
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from tests.simulation.world import World

PORTION = 20
"""Seeds that a worker gets at a time."""

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Portion:
    """What became of some seeds."""

    seeds: int
    failure: str = ""
    """The story of the first that failed."""


def run_seed(seed: int, is_told: bool = False) -> str:
    """Run one seed; return its story if it failed, in full when ``is_told``, else nothing."""
    try:
        World(seed, is_told).run()
    except AssertionError as failure:
        return str(failure)
    return ""


def run_portion(seeds: range) -> Portion:
    """Run some seeds, up to the first that fails."""
    gc.disable()
    for count, seed in enumerate(seeds, 1):
        failure = run_seed(seed)
        if failure:
            return Portion(count, failure)
    gc.enable()
    gc.collect()
    return Portion(len(seeds))


def portions(first: int, count: int) -> Iterator[range]:
    """Cut ``count`` seeds from ``first`` on into portions."""
    for start in range(first, first + count, PORTION):
        yield range(start, min(start + PORTION, first + count))


def spread(work: Callable[[Job], Answer], jobs: Iterator[Job]) -> Iterator[Answer]:
    """Do jobs in as many processes as there are cores; yield answers as they come, holding a few at a time."""
    os.environ["PYTHONHASHSEED"] = "0"  # the order of sets of names is part of a run
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        waiting: set[Future[Answer]] = {pool.submit(work, job) for job in islice(jobs, 2 * workers)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(work, job) for job in islice(jobs, len(done))}
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
