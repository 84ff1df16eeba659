"""Assign messages: what goes into one, and how much fits.

Rule: a message holds at most ``max_batch_bytes`` of payloads and saved states, or a single payload.
"""

from itertools import accumulate

from disio_distributor.core.blocks import TaskWork
from disio_distributor.core.settings import CoreSettings
from disio_shared import messages
from disio_shared.ranges import Run, indexes_of, runs_of


def cut(settings: CoreSettings, work: TaskWork, runs: list[Run], payloads: list[bytes]) -> tuple[list[Run], list[Run]]:
    """Return which of ``runs`` fit in one message, and the rest."""
    sizes = list(map(len, payloads))
    if work.checkpoints:
        saved = [len(work.checkpoints.get(index, b"")) for index in indexes_of(runs)]
        sizes = [size + more for size, more in zip(sizes, saved, strict=True)]
    if sum(sizes) <= settings.max_batch_bytes:
        return runs, []
    keep = max(1, sum(total <= settings.max_batch_bytes for total in accumulate(sizes)))
    indexes = indexes_of(runs)
    return runs_of(indexes[:keep]), runs_of(indexes[keep:])


def assign_message(
    work: TaskWork, token: str, runs: list[Run], payloads: list[bytes], with_states: bool = True
) -> messages.Assign:
    """Return what a client is sent."""
    manifest, indexes = work.manifest, indexes_of(runs)
    saved = work.checkpoints if with_states else {}
    return messages.Assign(
        token=token,
        task=manifest.task,
        task_name=manifest.name,
        workunit=manifest.workunit,
        language=manifest.language,
        indexes=indexes,
        payloads=payloads,
        states=saved and {at: saved[at] for at in indexes if at in saved},
        unit_timeout_s=manifest.unit_timeout_s,
        memory_mb=manifest.memory_mb,
        terms=manifest.terms,
    )
