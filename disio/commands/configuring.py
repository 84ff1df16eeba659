"""What ``disio config`` reads and writes.

Rule: a value is what the service itself would make of it; the file is changed only to one that reads as it is meant.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec

from disio import shapes
from disio.printing import emit, tell
from disio.results.state import write_whole
from disio.toml_lines import toml_value, with_line
from disio_shared.config import COMMON, FILE_NAME, FILE_VARIABLE, load_settings
from disio_shared.errors import ConfigError

KINDS = {
    "manager": "disio_manager.config:ManagerSettings",
    "distributor": "disio_distributor.config:DistributorSettings",
    "dashboard": "disio_dashboard.settings:Settings",
    "client": "disio_client.settings:ClientSettings",
}
"""By service: where its settings are described."""
DEFAULT = "default"


def show_settings(service: str | None, is_all: bool, as_json: bool) -> int:
    """Print settings; return the exit status.

    Raises:
        ConfigError: One is wrong.
    """
    services = [service] if service is not None else list(KINDS)
    found = [each for name in services for each in _settings(name) if is_all or as_json or each.origin != DEFAULT]
    if as_json:
        emit(shapes.Settings, {"settings": found})
        return 0
    for each in found:
        click.echo(f"{each.name} = {each.value}" + (f"  ({each.origin})" if is_all else ""))
    if not found:
        tell("every setting is at its default; --origin shows them")
    return 0


def get_setting(name: str, as_json: bool) -> int:
    """Print one setting; return the exit status.

    Raises:
        ConfigError: There is none of this name.
    """
    service, field = _known(name)
    found = next(each for each in _settings(service) if each.name == f"{service}.{field}")
    if as_json:
        emit(shapes.Setting, found)
    else:
        click.echo(found.value)
    return 0


def set_setting(name: str, text: str, as_json: bool) -> int:
    """Write one setting; return the exit status.

    Raises:
        ConfigError: There is none of this name, or it cannot have this value.
    """
    service, field = _known(name)
    value = _value(name, service, field, text)
    path = _path()
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"does not read: {error}") from error
    after = with_line(before, service, field, toml_value(value))
    _check(path, before, after, service, field, value)
    write_whole(path, after.encode())
    tell(f"{name} = {toml_value(value)} in {path}; a {service} takes it when it starts")
    if as_json:
        emit(shapes.Setting, shapes.Setting(name=name, value=_shown(value), origin=str(path)))
    return 0


def print_path(as_json: bool) -> int:
    """Print which file is read; return the exit status."""
    path = _path()
    if as_json:
        emit(shapes.ConfigFile, shapes.ConfigFile(path=str(path), exists=path.is_file()))
        return 0
    click.echo(path)
    if not path.is_file():
        tell("it is not there: every setting is from the environment, or at its default")
    return 0


def _path() -> Path:
    return Path(os.environ.get(FILE_VARIABLE) or Path.cwd() / FILE_NAME)


def _kind(service: str) -> type[msgspec.Struct]:
    module, _, name = KINDS[service].partition(":")
    kind: type[msgspec.Struct] = getattr(import_module(module), name)
    return kind


def _settings(service: str) -> Iterator[shapes.Setting]:
    kind = _kind(service)
    values = load_settings(kind, service, {})
    document = _document()
    for field in msgspec.structs.fields(kind):
        origin = _origin(service, field.name, document)
        value = getattr(values, field.name)
        yield shapes.Setting(name=f"{service}.{field.name}", value=_shown(value), origin=origin)


def _document() -> dict[str, Any]:
    path = _path()
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _origin(service: str, field: str, document: dict[str, Any]) -> str:
    for variable in (f"DISIO_{service.upper()}_{field.upper()}", f"DISIO_{field.upper()}"):
        if os.environ.get(variable):
            return f"environment {variable}"
    is_common = field in COMMON and field in document
    return str(_path()) if is_common or field in document.get(service, {}) else DEFAULT


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _known(name: str) -> tuple[str, str]:
    service, _, field = name.partition(".")
    if service not in KINDS:
        raise ConfigError(name, "is no setting", f"a name begins with {', '.join(KINDS)}: manager.port")
    names = [each.name for each in msgspec.structs.fields(_kind(service))]
    if field not in names:
        close = difflib.get_close_matches(field, names, n=1)
        raise ConfigError(
            name, "is no setting", f"did you mean {service}.{close[0]}?" if close else f"known: {', '.join(names)}"
        )
    return service, field


def _value(name: str, service: str, field: str, text: str) -> Any:
    """Return what a service would make of a text, as from its environment."""
    environ = {f"DISIO_{service.upper()}_{field.upper()}": text}
    try:
        return getattr(load_settings(_kind(service), service, {}, environ, Path(os.devnull)), field)
    except ConfigError as error:
        raise ConfigError(name, error.problem, error.remedy) from error


def _check(path: Path, before: str, after: str, service: str, field: str, value: Any) -> None:
    """See that a file will say what it said, and the new value.

    Raises:
        ConfigError: It does not.
    """
    try:
        meant = tomllib.loads(before)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"does not read: {error}") from error
    meant.setdefault(service, {})[field] = value
    try:
        is_so = tomllib.loads(after) == meant
    except tomllib.TOMLDecodeError:
        is_so = False
    if not is_so:
        raise ConfigError(
            str(path),
            "is written in a way that cannot be changed here",
            f"edit it: [{service}] {field} = {toml_value(value)}",
        )
