"""Conformance units in wasmtime alone: the answer that WebAssembly itself gives, without anything of disio's clients.

Rule: who only runs a module knows no kinds of endings; what fails here is ``FAILED``, whatever a client calls it.
"""

from __future__ import annotations

import asyncio

import wasmtime

from disio_shared.values import as_json, decode_value, encode_value
from tests.oracle.wasi import Bare, Ran

from .case import FAILED, Answer, Case, Ending
from .code import code_of

CLIENT_LIMIT = 8 << 20
"""Bytes of a result when the task does not say."""


class BareRunner:
    """Runs WebAssembly text; in a thread, since nothing else would go on meanwhile."""

    runs_plain = False
    name = "wasmtime"

    async def run(self, case: Case, form: str) -> Answer:
        return await asyncio.to_thread(_answer, case, form)


def _answer(case: Case, form: str) -> Answer:
    answer = Answer(works_on=True)
    for index, payload in zip(case.indexes, case.payloads, strict=True):
        try:
            ran = Bare(code_of(case, form)).run(_stdin(encode_value(payload)))
            answer.outcomes[index] = _outcome(case, ran)
        except (wasmtime.WasmtimeError, KeyError, ValueError) as error:
            answer.outcomes[index] = Ending(FAILED, str(error))
    return answer


def _stdin(payload: bytes) -> bytes:
    raw = decode_value(payload)
    return raw if isinstance(raw, bytes) else bytes(as_json(payload))


def _outcome(case: Case, ran: Ran) -> bytes | Ending:
    """Return the result as the task's terms take it.

    Raises:
        ValueError: It is none.
    """
    limit = case.terms.max_result_bytes or CLIENT_LIMIT
    if ran.exit != 0 or len(ran.stdout) > limit:
        return Ending(FAILED, ran.stderr.decode(errors="replace"))
    if case.terms.output == "text":
        return encode_value(ran.stdout.decode())
    return encode_value(ran.stdout if case.terms.output == "bytes" else decode_value(ran.stdout))
