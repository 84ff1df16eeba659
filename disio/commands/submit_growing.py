"""Payloads that a new task gets later: results of another task, or what people give it.

Rule: which task is meant is found out before anything is made.
"""

import contextlib
from collections.abc import Iterator

from disio.commands.asking import ask
from disio.commands.submit_inputs import payloads_of
from disio.commands.submit_options import Options
from disio.selecting import choices_of, one_selected
from disio.submitting.records import Records


def source_of(options: Options) -> str:
    """Return the id of the task that ``--from`` means.

    Raises:
        ConfigError: It means none, or several.
        DisioError: There is no such task, or no manager to ask.
    """
    word = options.source or ""
    (choice, *more) = choices_of([word])
    if choice.kind == "id" and not more:
        return choice.text
    return str(ask(options.where, lambda manager: one_selected(manager, word))["id"])


@contextlib.contextmanager
def opened(options: Options) -> Iterator[Records]:
    """Yield the payloads that a growing task begins with.

    Raises:
        ConfigError: They make no sense.
    """
    if options.list_text is None:
        yield Records({"open": []})
        return
    with payloads_of(options, []) as records:
        yield Records({"open": records.spec["list"]})
