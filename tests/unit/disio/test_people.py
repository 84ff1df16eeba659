"""``disio login``, ``user`` and ``token`` against a real manager."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.people.signed import PASSWORD, add_user, cheap
from tests.unit.manager.served import Served, serve

SHORT = "too short"


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(tmp_path / "data") as running:
        cheap(running)
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def test_a_session_is_kept_in_a_file_of_its_own_and_used_from_then_on(served: Served, data: Path) -> None:
    await add_user(served, "ada", "researcher")
    (me,) = objects(await disio("whoami", "--json", data=data), "whoami")
    assert (me["name"], me["role"], me["how"], me["manager"]) == ("machine", "admin", "machine", served.url)
    words = ("login", "ada", "--password-file", "-", "--json")
    (told,) = objects(await disio(*words, data=data, input=f"{PASSWORD}\n"), "login")
    assert (told["name"], told["role"], told["how"]) == ("ada", "researcher", "session")
    (file,) = (data / "logins").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = await disio("whoami", data=data)
    assert shown.stdout == "ada researcher\n" and "name and password" in shown.stderr
    refused = await disio("user", "list", data=data)
    assert status_of(refused) == 4 and "needs the role admin, yours is researcher" in str(refused.exception)
    with_token = ("whoami", "--token-file", str(data / "admin.token"), "--json")
    assert objects(await disio(*with_token, data=data), "whoami")[0]["name"] == "machine"
    (out,) = objects(await disio("logout", "--json", data=data), "logout")
    assert out["signed_out"] and not file.exists()
    assert (await served.call("GET", "/api/sessions?all=true"))["items"] == []
    assert objects(await disio("logout", "--json", data=data), "logout")[0]["signed_out"] is False
    assert (await disio("whoami", data=data)).stdout == "machine admin\n"


async def test_a_session_that_is_over_is_signed_out_of_all_the_same(served: Served, data: Path) -> None:
    await add_user(served, "ada")
    assert (await disio("login", "ada", "--password-file", "-", data=data, input=PASSWORD)).exit_code == 0
    await served.call("DELETE", "/api/users/ada", 204)
    assert status_of(await disio("whoami", data=data)) == 4
    assert status_of(await disio("logout", data=data)) == 0
    assert status_of(await disio("whoami", data=data)) == 0


async def test_wrong_passwords_and_no_way_to_ask(served: Served, data: Path, tmp_path: Path) -> None:
    await add_user(served, "ada")
    wrong = await disio("login", "ada", "--password-file", "-", data=data, input="wrong password")
    assert status_of(wrong) == 4 and "name or password is wrong" in str(wrong.exception)
    assert not (data / "logins").exists()
    assert status_of(await disio("login", "ada", data=data)) == 2
    assert status_of(await disio("login", "ada", "--password-file", str(tmp_path / "none"), data=data)) == 2


async def test_users_are_made_changed_and_removed(served: Served, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    assert "disio user add" in (await disio("user", "list", data=data)).stderr
    words = ("user", "add", "ada", "--role", "admin", "--password-file", str(file), "--json")
    (made,) = objects(await disio(*words, data=data), "user add")
    assert (made["name"], made["role"]) == ("ada", "admin")
    for name in ("Ada", "ada"):
        assert status_of(await disio("user", "add", name, "--password-file", str(file), data=data)) == 1
    file.write_text(SHORT)
    refused = await disio("user", "add", "bob", "--password-file", str(file), data=data)
    assert status_of(refused) == 1 and "password" in str(refused.exception)
    file.write_text("another long password")
    assert (await disio("user", "add", "bob", "--password-file", str(file), data=data)).exit_code == 0
    (bob,) = objects(await disio("user", "role", "bob", "operator", "--json", data=data), "user role")
    assert bob["role"] == "operator"
    (bob,) = objects(await disio("user", "disable", "bob", "--json", data=data), "user disable")
    assert bob["disabled"]
    shown = await disio("user", "list", data=data)
    lines = [line.split() for line in shown.stdout.splitlines() if not line.startswith("2")]
    assert lines == [["NAME", "ROLE", "STATE"], ["ada", "admin"], ["bob", "operator", "disabled"]]
    (bob,) = objects(await disio("user", "enable", "bob", "--json", data=data), "user enable")
    assert not bob["disabled"]
    file.write_text("a third long password")
    changed = await disio("user", "password", "bob", "--password-file", str(file), "--json", data=data)
    objects(changed, "user password")
    assert (await disio("login", "bob", "--password-file", str(file), data=data)).exit_code == 0
    assert (await disio("logout", data=data)).exit_code == 0
    (listed,) = objects(await disio("user", "list", "--json", data=data), "user list")
    assert listed["total"] == 2
    assert status_of(await disio("user", "remove", "bob", data=data)) == 2, "nobody can be asked"
    (gone,) = objects(await disio("user", "remove", "bob", "--yes", "--json", data=data), "user remove")
    assert gone == {"name": "bob", "removed": True}
    assert status_of(await disio("user", "remove", "bob", "--yes", data=data)) == 3
    last = await disio("user", "role", "ada", "viewer", data=data)
    assert status_of(last) == 1 and "last admin" in str(last.exception)


async def test_tokens_are_made_listed_and_revoked(served: Served, data: Path, tmp_path: Path) -> None:
    made = await disio("token", "create", "nightly", "--role", "researcher", "--days", "1", data=data)
    secret = next(line for line in made.stdout.splitlines() if not line.startswith("20"))
    file = tmp_path / "token"
    file.write_text(secret)
    (me,) = objects(await disio("whoami", "--token-file", str(file), "--json", data=data), "whoami")
    assert (me["role"], me["how"]) == ("researcher", "token")
    (listed,) = objects(await disio("token", "list", "--all", "--json", data=data), "token list")
    (token,) = listed["items"]
    shown = await disio("token", "list", "--all", data=data)
    assert "nightly" in shown.stdout and secret not in shown.stdout
    (gone,) = objects(await disio("token", "revoke", token["id"], "--json", data=data), "token revoke")
    assert gone["revoked"]
    assert status_of(await disio("token", "revoke", token["id"], data=data)) == 3
    assert status_of(await disio("whoami", "--token-file", str(file), data=data)) == 4
    (another,) = objects(await disio("token", "create", "x", "--json", data=data), "token create")
    assert len(another["secret"]) == 43
