"""Ctrl-C while a command still imports what it is made of.

Rule: it ends the process at once and without a word, since nothing was begun that would have to be undone. This module
imports nothing that takes time.
"""

import os
import signal

INTERRUPTED = 130
"""Exit status of a process that Ctrl-C ended."""


class Importing:
    """While this is entered, Ctrl-C ends the process with status 130; who ignores it or has other plans is left alone.

    An exception would not do: where the import system itself is interrupted it prints a trace, and goes on.
    """

    def __enter__(self) -> None:
        self._is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._is_ours:
            signal.signal(signal.SIGINT, _end)

    def __exit__(self, *_error: object) -> None:
        if self._is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)
