"""Answers that hold all results there were when they were asked for.

Rule: a manager that has much to read is asked again as long as it gets on; it lets nobody wait for long at a time.
"""

from collections.abc import Awaitable, Callable
from typing import Any


async def counted(ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Return an answer that has ``counted`` as large as the first one's ``done``, or the last one that got no further.

    Raises:
        DisioError: ``ask`` raised it.
    """
    found = await ask()
    wanted, before = found["done"], -1
    while before < found["counted"] < wanted:
        before = found["counted"]
        found = await ask()
    return found
