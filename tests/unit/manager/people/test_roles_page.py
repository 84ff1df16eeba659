"""The table of roles in docs/users.md is that of the operations.

Run as a module it writes the table: ``python -m tests.unit.manager.people.test_roles_page``.
"""

from pathlib import Path

from disio_manager.api.operations import OPERATIONS
from disio_manager.people.roles import ROLES

PAGE = Path(__file__).parents[4] / "docs" / "users.md"
BEGIN, END = "<!-- roles -->\n", "<!-- /roles -->"


def table() -> str:
    """Return what the page should show: what only reads and needs the least is left out."""
    rows = ["| role | calls |", "|---|---|"]
    for role in ROLES:
        closed = [each for each in OPERATIONS if not each.is_open and each.least == role]
        names = [f"`{each.name}`" for each in closed if role != "viewer" or each.method != "GET"]
        rows.append(f"| `{role}` | {', '.join(names)} |")
    rows.append(f"| nobody's | {', '.join(f'`{each.name}`' for each in OPERATIONS if each.is_open)} |")
    return "\n".join(rows) + "\n"


def test_the_page_tells_what_each_call_needs() -> None:
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == table()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])
