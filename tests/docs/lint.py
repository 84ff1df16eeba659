"""What can be told of commands without running them.

Rule: a program that is not known here is a problem: whoever shows a new one says what can be checked of it.
"""

import re
import shlex
from collections.abc import Callable

import click

from tests.docs.fences import ROOT

Words = list[str]


def problems_of(script: str) -> list[str]:
    """Return what is wrong with the commands of a script."""
    problems = []
    for line in re.sub(r"\\\n", " ", script).splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        name = words[0].rpartition("/")[2]
        if name in PROGRAMS:
            problems += PROGRAMS[name](words[1:])
        else:
            problems.append(f"{name} is a program of which nothing is known in tests/docs/lint.py")
    return problems


def _make(words: Words) -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return [f"make {verb}: no such verb" for verb in words if not re.search(rf"^{verb}:", makefile, re.MULTILINE)]


def _pip(words: Words) -> list[str]:
    if words[:1] != ["install"]:
        return ["pip does something else than to install"]
    folders = [word for word in words[1:] if word.startswith("./")]
    missing = [word for word in folders if not (ROOT / word / "pyproject.toml").is_file()]
    unknown = [word for word in words[1:] if word not in folders and word not in PACKAGES]
    return [f"{word} is no package of this checkout" for word in missing] + [f"{word} is not known" for word in unknown]


def _python(words: Words) -> list[str]:
    return [] if words[:3] == ["-m", "ziglang", "cc"] else ["only ziglang's compiler is known"]


def _disio(words: Words) -> list[str]:
    from disio.cli import root

    return _parsed(root, "disio", words)


def _disio_client(words: Words) -> list[str]:
    from disio_client.cli import main

    return _parsed(main, "disio-client", words)


def _parsed(command: click.Command, name: str, words: Words, parent: click.Context | None = None) -> list[str]:
    """Have click read a command line without doing what it says."""
    try:
        context = command.make_context(name, list(words), parent=parent)
        if not isinstance(command, click.Group):
            return []
        rest = [*context._protected_args, *context.args]
        chosen, found, left = command.resolve_command(context, rest)
        return _parsed(found, str(chosen), left, context) if found else [f"{name}: no such command"]
    except click.ClickException as error:
        return [f"{name}: {error.format_message()}"]


PACKAGES = {"ziglang", "disio", "disio[parquet]"}
"""What may be installed from PyPI."""
PROGRAMS: dict[str, Callable[[Words], list[str]]] = {
    "make": _make,
    "pip": _pip,
    "python": _python,
    "disio": _disio,
    "disio-client": _disio_client,
}
