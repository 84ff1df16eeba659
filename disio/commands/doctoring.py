"""What ``disio doctor`` does: make the checks in turn, tell each as it is known.

Rule: a check that breaks is told as a failure of its own; the others are made all the same.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import click

from disio import shapes
from disio.commands import doctor_engines, doctor_machine, doctor_services
from disio.commands.doctor_machine import FAIL, Check, broken
from disio.printing import emit
from disio.showing import printable
from disio_shared.datadir import default_path
from disio_shared.errors import ConfigError

HEALTHY, HAS_FAILURES = 0, 1


async def examine(data_dir: Path | None, as_json: bool) -> int:
    """Make every check; return the exit status."""
    found = []
    async for check in _checks(_place(data_dir or default_path())):
        found.append(check)
        if not as_json:
            click.echo(line_of(check))
    fails = any(check.status == FAIL for check in found)
    if as_json:
        emit(shapes.Doctor, {"ok": not fails, "checks": found})
    return HAS_FAILURES if fails else HEALTHY


def line_of(check: Check) -> str:
    """Return what a person reads of a check."""
    remedy = f" -> {check.remedy}" if check.remedy else ""
    return printable(f"{check.status:4}  {check.name:14}  {check.text}{remedy}")


def _place(data_dir: Path) -> Path:
    try:
        return data_dir.expanduser().absolute()
    except (OSError, RuntimeError) as error:  # no such user, or the working directory is deleted
        raise ConfigError("--data-dir", f"{data_dir}: {error}", "name it from the root on: /...") from error


async def _checks(place: Path) -> AsyncIterator[Check]:
    for check in doctor_machine.checks():
        yield check
    for name, group in (("engines", doctor_engines.checks()), ("services", doctor_services.checks(place))):
        try:
            async for check in group:
                yield check
        except Exception as error:
            yield broken(name, error)
