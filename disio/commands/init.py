"""``disio init``: a folder with a work unit and a task that run as they are.

Rule: it writes into a folder of its own and nowhere else, and over nothing unless it is told to.
"""

import re
from pathlib import Path

from disio import clicking as click
from disio.locating import json_option

TEMPLATES = Path(__file__).parent.parent / "templates"
FOLDERS = {"js": "js", "wasm-c": "wasm_c", "python": "python"}
UNITS = {"js": "unit.js", "wasm-c": "unit.wasm", "python": "unit.py"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FILLED = frozenset({"README.md", "task.json"})
"""Files that name the project."""


@click.command()
@click.argument("name")
@click.option("--lang", type=click.Choice(list(FOLDERS)), required=True, help="What the work unit is written in.")
@click.option("--force", is_flag=True, help="Write into a folder that has files; those of the template are replaced.")
@json_option()
def init(name: str, lang: str, force: bool, as_json: bool) -> None:
    """Write a project NAME/: a work unit, a task for it, and a README with the commands to go on with.

    The unit runs as it is: `disio test` in the new folder shows it.
    """
    import runpy

    from disio import shapes
    from disio.printing import emit
    from disio_shared.errors import ConfigError

    folder = Path(name)
    if not NAME.fullmatch(name) or name.endswith("."):
        problem = f"{name!r} is no name for a project"
        raise ConfigError("NAME", problem, "up to 64 letters, digits, dots, dashes and underscores, no folders")
    try:
        if folder.is_dir() and any(folder.iterdir()) and not force:
            raise ConfigError("NAME", f"{name}/ is there and has files", "take another name, or give --force")
        written = _write(folder, TEMPLATES / FOLDERS[lang])
        runpy.run_path(str(folder / "make_task.py"))
    except OSError as error:
        problem = f"{name}/ cannot be written: {error.strerror or error}"
        raise ConfigError("NAME", problem, "see to the rights and the room there, or take another name") from error
    if as_json:
        emit(shapes.Project, shapes.Project(folder=str(folder), files=written, unit=UNITS[lang]))
    else:
        click.echo(f"wrote {name}/: {', '.join(written)}; go on as {name}/README.md says", err=True)


def _write(folder: Path, template: Path) -> list[str]:
    """Copy a template's files; return their names."""
    folder.mkdir(exist_ok=True)
    names = sorted(file.name for file in template.iterdir() if file.is_file())
    for name in names:
        content = (template / name).read_bytes()
        if name in FILLED:
            content = content.replace(b"{{name}}", folder.name.encode())
        (folder / name).write_bytes(content)
    return names
