"""What commands that ask a manager have in common.

Rule: what cannot be undone is not done before somebody was asked.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from disio.locating import Where, locate
from disio.rest import ManagerClient
from disio_shared.errors import ConfigError

AnswerT = TypeVar("AnswerT")
FAILURE = 1


def manager_of(where: Where) -> ManagerClient:
    """Return a client of the manager that is meant; nothing is asked yet.

    Raises:
        DisioError: There is none, or no token for it.
    """
    url, token = locate(where.manager, where.token_file, where.data_dir)
    return ManagerClient.from_files(url, token, where.timeout_s)


def ask(where: Where, question: Callable[[ManagerClient], Awaitable[AnswerT]]) -> AnswerT:
    """Return the answer to a question to the manager that is meant.

    Raises:
        DisioError: There is none, or it refuses.
    """
    client = manager_of(where)

    async def asked() -> AnswerT:
        async with client as manager:
            return await question(manager)

    return asyncio.run(asked())


def confirmed(what: str, is_sure: bool) -> bool:
    """Tell whether a person wants what cannot be undone.

    Raises:
        ConfigError: Nobody can be asked.
    """
    if is_sure:
        return True
    if not sys.stdin.isatty():
        raise ConfigError("--yes", f"would {what}", "give it to do so without being asked")
    return click.confirm(f"{what[0].upper()}{what[1:]}?", err=True)
