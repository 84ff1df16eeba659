"""The table of roles in docs/users.md is that of the operations."""

from pathlib import Path

from disio_manager.api.operations import OPERATIONS
from disio_manager.people.roles import ROLES

PAGE = Path(__file__).parents[4] / "docs" / "users.md"


def test_the_page_tells_what_each_call_needs() -> None:
    told = PAGE.read_text().partition("<!-- roles -->")[2].partition("<!-- /roles -->")[0]
    rows = {line.split("|")[1].strip(" `"): line.split("|")[2] for line in told.strip().splitlines()[2:]}
    named = {role: {each.strip(" `") for each in calls.split(",")} for role, calls in rows.items()}
    assert named.pop("nobody's") == {each.name for each in OPERATIONS if each.is_open}
    assert named == {
        role: {
            each.name
            for each in OPERATIONS
            if each.least == role and not each.is_open and (role != "viewer" or each.method != "GET")
        }
        for role in ROLES
    }
