"""What the volunteer reads: one ready line on stdout, news on stderr.

Rule: bounded. A topic speaks when its text changes, and at most once in ``REPEAT_S`` otherwise.
"""

import json
from collections.abc import Callable

from disio_client.events import Say
from disio_shared.clock import Clock
from disio_shared.logs import logger

REPEAT_S = 60.0
MIN_GAP_S = 1.0
"""Seconds between two lines of one topic, even when they differ."""
RATE_S = 10.0
"""Seconds between two lines about the work done."""


class Reporter:
    """Says things, and counts units.

    Args:
        write: Puts one line on stdout.
    """

    def __init__(self, is_json: bool, write: Callable[[str], None], clock: Clock) -> None:
        self._is_json, self._write, self._clock = is_json, write, clock
        self._log = logger("client")
        self._said: dict[str, tuple[str, float]] = {}
        self._is_ready = False
        self._done = self._failed = self._done_before = 0
        self._rate_at = clock.steady()

    def ready(self, url: str, distributor: str) -> None:
        """Print the ready line, the first time."""
        self.say(Say("connection", f"connected to {distributor or url}"))
        if not self._is_ready:
            self._is_ready = True
            line = json.dumps({"ready": "client", "url": url}) if self._is_json else f"ready client {url}"
            self._write(line)

    def say(self, news: Say) -> None:
        """Say something, unless it was just said."""
        now = self._clock.steady()
        text, at = self._said.get(news.topic, ("", float("-inf")))
        if now - at < (REPEAT_S if text == news.text else MIN_GAP_S):
            return
        self._said[news.topic] = (news.text, now)
        self._log.info(news.text, topic=news.topic)

    def count(self, done: int, failed: int) -> None:
        """Count units, and from time to time say how many."""
        self._done += done
        self._failed += failed
        now = self._clock.steady()
        if now - self._rate_at >= RATE_S:
            rate = round((self._done - self._done_before) / (now - self._rate_at), 1)
            self._rate_at, self._done_before = now, self._done
            self._log.info("units", done=self._done, failed=self._failed, per_second=rate)

    def sum_up(self) -> None:
        """Say how many units there were, once at the end."""
        if self._done or self._failed:
            self._log.info("units in all", done=self._done, failed=self._failed)
