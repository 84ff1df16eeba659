"""The package itself: everything it names is there, and nothing is loaded before it is asked for."""

import subprocess
import sys

import pytest

import disio

HEAVY = ("aiohttp", "asyncio", "click", "msgspec", "rich", "disio.sdk", "disio.rest")


def test_importing_it_loads_nothing_and_each_name_is_found_afterwards() -> None:
    program = f"""
import sys, disio
print([name for name in {HEAVY!r} if name in sys.modules])
print([name for name in disio.__all__ if getattr(disio, name, None) is None])
print(set(disio.__all__) <= set(dir(disio)), disio.errors.CannotShip is disio.CannotShip)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]", "True True"]


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'disio' has no attribute 'conect'"):
        disio.conect  # noqa: B018


def test_all_errors_have_one_root() -> None:
    for name in disio.errors.__all__:
        kind = getattr(disio.errors, name)
        assert issubclass(kind, disio.DisioError) or name == "RemoteTraceback"
