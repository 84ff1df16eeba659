"""``disio keys``: fingerprints, and tokens that are made anew while no manager runs."""

from pathlib import Path

import aiohttp

from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.served import serve


async def test_keys_are_shown_without_what_they_are(tmp_path: Path) -> None:
    async with serve(tmp_path):
        (found,) = objects(await disio("keys", "show", "--json", data=tmp_path), "keys show")
        assert [key["name"] for key in found["keys"]] == ["admin", "join", "curve", "webhook"]
        assert all(key["private"] for key in found["keys"])
        (tmp_path / "join.token").chmod(0o644)
        shown = await disio("keys", "show", data=tmp_path)
        line = next(line for line in shown.stdout.splitlines() if line.startswith("join"))
        assert line.split()[2] == "NO" and "chmod 600" in shown.stderr
        for secret in ("admin.token", "join.token", "webhook.secret"):
            assert (tmp_path / secret).read_text().strip() not in shown.output


async def test_a_new_token_counts_from_the_next_start_and_the_old_one_no_more(tmp_path: Path) -> None:
    file = tmp_path / "admin.token"
    async with serve(tmp_path):
        old = file.read_text().strip()
        shown = await disio("keys", "rotate", "admin", data=tmp_path)
        assert status_of(shown) == 1 and "stop it" in str(shown.exception) and file.read_text().strip() == old
    (before,) = objects(await disio("keys", "show", "--json", data=tmp_path), "keys show")
    (key,) = objects(await disio("keys", "rotate", "admin", "--json", data=tmp_path), "keys rotate")
    assert key["private"] and key["fingerprint"] != before["keys"][0]["fingerprint"]
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_text().strip() != old
    async with serve(tmp_path) as served:  # it asks with the token of the file
        await served.call("GET", "/api/stats")
        headers = {"Authorization": f"Bearer {old}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{served.url}/api/stats") as answer:
            assert answer.status == 401


async def test_where_no_manager_ever_was_there_are_none_and_nothing_is_made(tmp_path: Path) -> None:
    for words in (("show",), ("rotate", "join")):
        shown = await disio("keys", *words, data=tmp_path / "none")
        assert status_of(shown) == 3 and "no manager has been started there" in str(shown.exception)
    assert not (tmp_path / "none").exists()
