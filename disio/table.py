"""The commands of ``disio`` and what each is for, so that help and completion need load none of them.

Rule: nothing is imported here that takes time: neither click nor ``importlib.metadata``.
"""

import os
import sys
from typing import NamedTuple

ENTRY_POINTS = "disio.commands"
"""The group of entry points under which other distributions add commands."""
SUMMARY = "Spread a pile of independent computations over browser tabs and any machine that runs a client."
VERSION_HELP, HELP_HELP = "Show the version and exit.", "Show this message and exit."


class Known(NamedTuple):
    """One of our own commands."""

    place: str
    """``module:attribute``."""
    summary: str
    """One line, so that help and completion need not load it."""


KNOWN = {
    "up": Known("disio.commands.up:up", "Everything in one go on this machine."),
    "manager": Known("disio_manager.cli:manager", "The manager: splits tasks, keeps results."),
    "distributor": Known("disio_distributor.cli:distributor", "A distributor: hands payloads to clients."),
    "dashboard": Known("disio_dashboard.cli:dashboard", "The dashboard: create tasks and watch them."),
    "client": Known("disio_client.cli:client", "Lend this computer to a distributor."),
    "init": Known("disio.commands.init:init", "Begin a work unit from a template that runs."),
    "test": Known("disio.commands.test:test", "Run a work unit here as volunteers will."),
    "submit": Known("disio.commands.submit:submit", "Have a work unit computed for many inputs."),
    "task": Known("disio.commands.task:task", "Look at tasks, and do something about them."),
    "results": Known("disio.commands.results:results", "Results of a task into files and pipes."),
    "explain": Known("disio.commands.explain:explain", "Why a task or payload is (not) progressing."),
    "payloads": Known("disio.commands.payloads:payloads", "See what payloads will be, before there is a task."),
    "fleet": Known("disio.commands.fleet:fleet", "Who computes: managers, distributors, clients."),
    "sites": Known("disio.commands.sites:sites", "Who embeds the distributors, and how long visitors stay."),
    "top": Known("disio.commands.top:top", "What the cluster does, live."),
    "check": Known("disio.commands.check:check", "Verify what a stopped manager has stored."),
    "doctor": Known("disio.commands.doctor:doctor", "Look this machine over: what works, what does not."),
    "bench": Known("disio.commands.bench:bench", "Measure what disio itself costs here."),
    "login": Known("disio.commands.login:login", "Sign in at a manager with name and password."),
    "logout": Known("disio.commands.login:logout", "End the session at a manager."),
    "whoami": Known("disio.commands.login:whoami", "Who the manager takes you for."),
    "user": Known("disio.commands.user:user", "Users and their roles."),
    "token": Known("disio.commands.token:token", "API tokens for programs."),
    "config": Known("disio.commands.config:config", "Settings of services in disio.toml."),
    "keys": Known("disio.commands.keys:keys", "The secrets of a manager: who may command and join it."),
    "api": Known("disio.commands.api:api", "Call the manager: METHOD PATH."),
    "completion": Known("disio.commands.completion:completion", "Completion for bash, zsh or fish."),
}
"""In the order in which help lists them; those whose part is not installed are left out."""


def installed() -> dict[str, Known]:
    """Return our commands whose part is here; nothing is imported for that."""
    packages = {known.place.partition(".")[0] for known in KNOWN.values()}
    here = {package for package in packages if package in sys.modules or _is_there(package)}
    return {name: known for name, known in KNOWN.items() if known.place.partition(".")[0] in here}


def _is_there(package: str) -> bool:
    return any(finder.find_spec(package, None) is not None for finder in sys.meta_path)


def has_others() -> bool:
    """Tell whether other distributions add commands; which ones is for ``importlib.metadata`` to say."""
    return any(not KNOWN.keys() >= _added(entry) for folder in sys.path for entry in _distributions(folder))


def _distributions(folder: str) -> list[str]:
    try:
        names = os.listdir(folder or ".")
    except OSError:  # an archive, or not there
        return []
    return [os.path.join(folder, name) for name in names if name.endswith((".dist-info", ".egg-info"))]


def _added(distribution: str) -> set[str]:
    """Return the names of the commands that a distribution adds."""
    try:
        with open(os.path.join(distribution, "entry_points.txt"), encoding="utf-8", errors="replace") as file:
            _, _, after = file.read().partition(f"[{ENTRY_POINTS}]\n")
    except OSError:
        return set()
    lines = after.partition("\n[")[0].splitlines()
    return {line.partition("=")[0].strip() for line in lines if "=" in line and not line.startswith(("#", ";"))}
