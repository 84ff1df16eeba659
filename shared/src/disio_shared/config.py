"""Settings of a service: flags over ``DISIO_*`` environment over ``disio.toml`` over defaults.

Rule: a setting that nobody knows is an error that names the nearest known one; so is one of the wrong type.

A service describes its settings as a ``msgspec.Struct``. Setting ``zmq_port`` of service ``manager`` is ``--zmq-port``,
``DISIO_MANAGER_ZMQ_PORT`` or ``DISIO_ZMQ_PORT`` (the first wins), and ``zmq_port`` under ``[manager]`` in the file, or
above all tables there for the settings in ``COMMON``.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

import msgspec

from disio_shared.errors import ConfigError
from disio_shared.wording import problem_of

SERVICES = ("manager", "distributor", "dashboard", "client")
COMMON = ("data_dir", "log_level", "zeroconf", "zeroconf_interface")
"""Settings that one line of the file gives to every service."""
FILE_NAME = "disio.toml"
FILE_VARIABLE = "DISIO_CONFIG"
"""Environment variable that names another file."""

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)


def load_settings(
    kind: type[SettingsT],
    service: str,
    flags: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> SettingsT:
    """Return the settings of ``service``.

    Args:
        kind: A struct whose fields all have defaults.
        service: Of ``SERVICES``.
        flags: What the command line gave; None means not given.
        environ: Default: the process's.
        directory: Where ``disio.toml`` is looked for; default: the working directory.

    Raises:
        ConfigError: An unknown setting, a wrong value, or a file that does not parse.
    """
    environ = os.environ if environ is None else environ
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    values = _from_file(_file(environ, directory or Path.cwd()), service, fields)
    values |= _from_environment(environ, service, fields)
    for name, value in flags.items():
        if value is not None:
            values[name] = _converted(value, fields[name], f"--{name.replace('_', '-')}", strict=True)
    return kind(**values)


def _file(environ: Mapping[str, str], directory: Path) -> Path | None:
    named = environ.get(FILE_VARIABLE)
    if named and not Path(named).is_file():
        raise ConfigError(FILE_VARIABLE, f"there is no file {named}")
    path = Path(named) if named else directory / FILE_NAME
    return path if path.is_file() else None


def _from_file(path: Path | None, service: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), f"does not read: {error}") from error
    _check_known(document, (*SERVICES, *COMMON), f"{path}:")
    section = document.get(service, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {service}", "must be a table", f"write [{service}]")
    _check_known(section, fields, f"{path}: [{service}]")
    given = {name: document[name] for name in COMMON if name in document and name in fields} | section
    return {name: _converted(value, fields[name], f"{path}: {name}", strict=True) for name, value in given.items()}


def _from_environment(environ: Mapping[str, str], service: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    own = f"DISIO_{service.upper()}_"
    known = {own + name.upper(): name for name in fields}
    _check_known((name for name in environ if name.startswith(own)), known, "environment:")
    values = {}
    for name, kind in fields.items():
        for variable in (own + name.upper(), f"DISIO_{name.upper()}"):
            if environ.get(variable):
                values[name] = _converted(environ[variable], kind, variable, strict=False)
                break
    return values


def _converted(value: Any, kind: Any, source: str, strict: bool) -> Any:
    if not strict and get_origin(kind) in (list, tuple):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not strict and kind is bool:
        value = value.lower()
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        problem = problem_of(error, kind, whole="", given=repr(value))
        raise ConfigError(source, f"{problem.path} {problem.message}".lstrip()) from error


def _check_known(names: Iterable[str], known: Iterable[str], place: str) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"{place} {name}",
                "unknown setting",
                f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}",
            )
