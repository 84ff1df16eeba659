"""Conformance units in a real Chromium: the trial page with the compute frame that distributors serve.

Rule: one page for all cases, as a volunteer has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from disio_shared.values import encode_value

from .case import LANGUAGES, Answer, Case, Ending
from .code import code_of

if TYPE_CHECKING:
    from playwright.async_api import Page


class _Result(msgspec.Struct):
    """One unit's part of what the page tells."""

    index: int
    kind: str
    error: str
    value: bytes | None
    logs: list[str]
    progress: list[float]
    states: list[bytes]


class ChromiumRunner:
    """Uses a page that shows the trial page."""

    runs_plain = True
    name = "chromium"

    def __init__(self, page: Page, kits: dict[str, dict[str, str]]) -> None:
        self._page, self._kits = page, kits

    async def run(self, case: Case, form: str) -> Answer:
        told: dict[str, Any] = await self._page.evaluate("(spec) => disioTrial.run(spec)", self._spec(case, form))
        answer = Answer()
        for result in msgspec.convert(told["results"], list[_Result]):
            value = result.value
            answer.outcomes[result.index] = Ending(result.kind, result.error) if value is None else value
            answer.logs += result.logs
            answer.progress += result.progress
            answer.states += result.states
        return answer

    def _spec(self, case: Case, form: str) -> Any:
        states = {} if case.state is None else {case.first_index: encode_value(case.state)}
        spec = {
            "language": LANGUAGES[form],
            "code": code_of(case, form),
            "kit": self._kits.get(LANGUAGES[form]),
            "task": case.name,
            "indexes": case.indexes,
            "payloads": [encode_value(payload) for payload in case.payloads],
            "states": states,
            "unit_timeout_s": case.timeout_s,
            "memory_mb": case.memory_mb,
            "terms": case.terms,
        }
        return msgspec.to_builtins(spec, str_keys=True)
