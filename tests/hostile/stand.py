"""The stand-in distributor of the hostile suite, and how one case is played against a client.

Rule: the verdict is on what the outside saw: canaries, answers of honest units before and after, what the client sent.
"""

import hashlib
import json
from typing import Any

from aiohttp import web

from disio_shared import messages as m
from disio_shared.values import encode_value
from tests.browser.stand_in import StandIn

from . import turns
from .canaries import Ears
from .cases import Case

HONEST = [3, 4, 5]
CLEAN = """
const before = Object.getOwnPropertyNames(Object.prototype).concat(Object.getOwnPropertyNames(Array.prototype));
export default function run(payload) {
  const found = [];
  if ("leaked" in globalThis || "leaked" in {} || "leaked" in []) found.push("leaked");
  if (before.includes("leaked") || JSON.stringify({n: 1}) !== '{"n":1}') found.push("prototypes");
  if (globalThis.onStart || Object.isFrozen(Object.prototype)) found.push("globals");
  return {answer: payload.n * 2 + 1, found};
}
"""
PAGE_SECRET = "page-canary-8d1f0c"
CLIENT_SECRET = "client-canary-77aa31"
PAGE = """<!doctype html><title>host</title><script>
localStorage.canary = document.cookie = sessionStorage.canary = window.secret = "%(secret)s";
%(turns)s</script>%(tag)s"""


class HostileStand(StandIn):
    """Hands out hostile units beside honest ones."""

    def __init__(self, ears: Ears) -> None:
        super().__init__()
        self.ears = ears
        self.all_sent: list[bytes] = []

    def evil(self, **more: str) -> dict[str, Any]:
        """Return the payload that makes a unit hostile: where the canaries are."""
        port = self.ears.tcp
        where = {
            "http": f"http://127.0.0.1:{port}/got",
            "https": f"https://127.0.0.1:{port}/got",
            "ws": f"ws://127.0.0.1:{port}/got",
            "host": f"127.0.0.1:{port}",
            "udp": str(self.ears.udp),
        }
        return {"n": 0, "evil": {**where, **more}}

    async def give(self, case: Case, evil: dict[str, Any]) -> str:
        """Queue a case: an honest unit, the hostile one, and two honest ones behind it."""
        payloads = [{"n": HONEST[0]}, evil, *({"n": n} for n in HONEST[1:])]
        values = [json.dumps(payload).encode() if case.is_text else encode_value(payload) for payload in payloads]
        code = case.code if isinstance(case.code, bytes) else case.code.encode()
        sha = hashlib.sha256(code).hexdigest()
        self.codes[sha] = code
        self._tokens += 1
        assign = m.Assign(
            token=f"t-{self._tokens}",
            task=f"k-{self._tokens}",
            task_name=case.name,
            workunit=sha,
            language=case.language,
            indexes=list(range(len(values))),
            payloads=values,
            unit_timeout_s=case.timeout_s,
            terms=m.Terms(output="json"),
        )
        self.waiting.append(assign)
        await self._hand_out()
        return assign.token

    async def play(self, case: Case, evil: dict[str, Any], secrets: list[str]) -> Any:
        """Play one case and judge it; returns what the hostile unit said, as ``(kind, text)`` when it failed."""
        token = await self.give(case, evil)
        await self.until(lambda: len(self.results(token)) + len(self.failures(token)) == 4, f"answers to {case}")
        results, failures = self.results(token), self.failures(token)
        if 0 in failures:  # code that does not load fails all its units
            assert len(failures) == 4 and "does not load" in failures[0][1], failures
        elif case.spoils_its_realm:
            assert results[0] == 7
            late = {at for at in (2, 3) if failures.get(at, ("", ""))[0] == "timeout"}
            assert all(results.get(at) == right for at, right in ((2, 9), (3, 11)) if at not in late), results
        else:
            assert {at: results.get(at) for at in (0, 2, 3)} == {0: 7, 2: 9, 3: 11}, (results, failures)
        said = results[1] if 1 in results else failures[1]
        got = {name: text for name, text in said.items() if text.startswith("GOT")} if isinstance(said, dict) else {}
        assert not got.keys() - case.harmless, got
        assert said != 666
        await self._look_around(case, secrets)
        return said

    async def _look_around(self, case: Case, secrets: list[str]) -> None:
        after = await self.assign(CLEAN, [{"n": n} for n in HONEST], task=f"clean-{self._tokens}")
        await self.until(lambda: len(self.results(after)) == 3, f"honest answers after {case}")
        clean = {at: {"answer": 2 * n + 1, "found": []} for at, n in enumerate(HONEST)}
        assert self.results(after) == clean
        assert not self.ears.heard, f"{case} reached {self.ears.heard}"
        told = [secret for secret in secrets if any(secret.encode() in sent for sent in self.all_sent)]
        assert not told, f"{case} told {told}"
        self.all_sent.clear()

    async def _on_message(self, sid: str, data: bytes) -> bytes | None:
        if not isinstance(m.FROM_CLIENT.decode(data), m.Hello):
            self.all_sent.append(data)
        return await super()._on_message(sid, data)

    def _answer(self, sid: str, message: m.FromClient) -> m.ToClient | None:
        answer = super()._answer(sid, message)
        if isinstance(answer, m.Welcome):
            return m.Welcome(
                **{name: getattr(answer, name) for name in answer.__struct_fields__} | {"secret": CLIENT_SECRET}
            )
        return answer

    async def _host(self, request: web.Request) -> web.StreamResponse:
        is_idle = "idle" in request.query
        tag = "" if is_idle else f'<script async src="{self.url}/client.js" data-site="s1"></script>'
        text = PAGE % {"secret": PAGE_SECRET, "turns": turns.SCRIPT, "tag": tag}
        return web.Response(text=text, content_type="text/html")
