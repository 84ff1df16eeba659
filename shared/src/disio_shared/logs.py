"""Logs: structured, on stderr; coloured lines for a person at a terminal, one JSON object a line otherwise.

Rule: every log line of the process, libraries' too, goes through the one handler set up here.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from disio_shared.errors import ConfigError

LEVELS = ("debug", "info", "warning", "error")
_LIBRARIES = ("aiohttp.access", "asyncio", "zeroconf", "pymongo")
_SOCKETS = tuple(f"{library}.{end}" for library in ("engineio", "socketio") for end in ("server", "client"))
"""Told of from errors on, as is their own default. Without a level these loggers would write past the handler."""


def set_up_logs(level: str = "info", json: bool | None = None) -> None:
    """Set up logging of the whole process.

    Args:
        level: Of ``LEVELS``.
        json: None = JSON unless stderr is a terminal.

    Raises:
        ConfigError: No such level.
    """
    if level not in LEVELS:
        raise ConfigError("log level", f"{level!r} is unknown", f"use one of {', '.join(LEVELS)}")
    is_json = not sys.stderr.isatty() if json is None else json
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(is_json)))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _SOCKETS:
        logging.getLogger(name).setLevel(logging.ERROR)


def logger(name: str) -> Any:
    """Return a logger: ``logger("manager.link").info("what happened", distributor="d1")``."""
    return structlog.stdlib.get_logger(name)


class LineBudget:
    """Bounds the lines that peers can cause: so many in a period, the rest are only counted."""

    def __init__(self, lines: int = 20, period_s: float = 60.0) -> None:
        self._lines, self._period_s = lines, period_s
        self._began, self._used, self._hidden = float("-inf"), 0, 0

    def take(self, now: float) -> int | None:
        """Return None when this line is to be left out, else how many were left out since the last one.

        Args:
            now: Steady seconds.
        """
        if now - self._began >= self._period_s:
            self._began, self._used = now, 0
        if self._used >= self._lines:
            self._hidden += 1
            return None
        self._used += 1
        hidden, self._hidden = self._hidden, 0
        return hidden


def _last(is_json: bool) -> list[Any]:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if is_json:
        return [drop, structlog.processors.format_exc_info, _bounded, structlog.processors.JSONRenderer(default=str)]
    plain = structlog.dev.plain_traceback
    return [drop, _bounded, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _bounded(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut long texts, so that a peer's input cannot fill the disk."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) > 4_000 and key != "exception":
            event[key] = value[:4_000] + "..."
    return event
