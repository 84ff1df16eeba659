"""A work unit run here, as ``disio test`` runs it.

Rule: nothing is sent anywhere; what was started has ended when the answer is there.
"""

from disio.sdk.errors import BadArgument, UnitFailed
from disio.sdk.options import payload_of
from disio.sdk.units import WorkUnit
from disio.trial.deno import DenoSandbox
from disio.trial.native import NativeSandbox
from disio.trial.trials import TASK, Trial
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.messages import Terms
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import payload_at
from disio_shared.taskdoc import MAX_RESULT_BYTES, Policy
from disio_shared.values import decode_value


async def try_unit(unit: WorkUnit, payload: object, index: int, unit_timeout_s: float, memory_mb: int) -> object:
    """Return what a unit gives for a payload; see ``WorkUnit.test``."""
    trial = Trial(
        language=unit.language,
        code=unit.code,
        payload=_wire(payload),
        index=index,
        unit_timeout_s=unit_timeout_s,
        memory_mb=memory_mb,
        terms=Terms(
            output=unit.output or "bytes",
            clock=unit.clock or "fixed",
            max_result_bytes=MAX_RESULT_BYTES,
            max_log_bytes=Policy().max_log_bytes,
        ),
    )
    async with NativeSandbox.open() if unit.runtime == "native" else DenoSandbox.open(unit.language) as sandbox:
        outcome = await sandbox.run(trial)
    if outcome.value is None:
        text = outcome.error if outcome.kind == "error" else f"{outcome.kind}: {outcome.error}".rstrip(": ")
        raise UnitFailed(TASK, index, [text])
    return decode_value(outcome.value)


def _wire(payload: object) -> bytes:
    """Return a payload as a client gets it."""
    value = payload_at(parse_spec({"list": [payload_of(payload, "payload")]}), 0)
    if len(value) > MAX_PAYLOAD_BYTES:
        raise BadArgument(f"payload has {len(value)} bytes, over the limit of {MAX_PAYLOAD_BYTES}")
    return value
