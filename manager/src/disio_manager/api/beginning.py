"""Growing tasks as they begin: the payloads that come with the document.

Rule: what comes with the document is cut into the first segments of the task's log, which says how many there are.
"""

import msgspec

from disio_manager.core.growing import Segments
from disio_manager.stores.segments import Segment, segments_of
from disio_shared.payload_parsing import listed_values
from disio_shared.payloads import PayloadSpec, StoredSpec


def form_of(spec: PayloadSpec) -> str:
    """Return how a task gets its payloads: ``open``, ``task``, or empty for tasks that have all of them."""
    if not isinstance(spec, StoredSpec) or spec.kind != "values":
        return ""
    return "open" if spec.chain is None else "task"


def source_of(spec: PayloadSpec) -> str:
    """Return the task whose results are the payloads, or nothing."""
    return spec.chain.source if isinstance(spec, StoredSpec) and spec.chain is not None else ""


def begun(task: str, spec: StoredSpec, text: bytes) -> tuple[StoredSpec, list[Segment]]:
    """Return the spec of a growing task with the payloads that come with its document."""
    first = segments_of(values_of(text)) if spec.chain is None else []
    return msgspec.structs.replace(spec, task=task, extents=Segments(head for head, _ in first)), first


def values_of(text: bytes) -> list[bytes]:
    """Return the payloads that an ``open`` spec (bare, or under ``payloads``) lists, as wire values."""
    document = msgspec.json.decode(text)
    return listed_values(document.get("payloads", document)["open"], "open")
