"""Sites by REST and command line, told by distributors over the real link."""

import time
from pathlib import Path
from urllib.parse import quote

from disio_shared import messages
from disio_shared.messages import SiteDay, Sites
from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.served import serve
from tests.waiting import wait_until

A = "https://a.example"


def counted(day: int, **numbers: int) -> SiteDay:
    lengths = [0] * 20 + [3]
    return SiteDay(site=A, day=day, version=1, name="a", visits=3, visit_seconds=99.0, lengths=lengths, **numbers)


async def test_what_distributors_count_is_added_up_once_and_survives_a_restart(tmp_path: Path) -> None:
    today = int(time.time() // 86_400)
    async with serve(tmp_path) as served:
        for distributor in ("d1", "d2"):
            peer = served.peer(distributor)
            assert (await peer.join()).hears == ["sites"]
            rows = [counted(today, opened=10, granted=4, units=7), counted(today - 1, opened=5)]
            told = Sites(rows=rows, active={A: 2}, loader="/client-0.js", integrity="sha384-x")
            await peer.say(told)
            await peer.say(told)

        async def is_there() -> bool:
            items = (await served.call("GET", "/api/sites"))["items"]
            return bool(items) and items[0]["visits"] == 12

        await wait_until(is_there)
        page = await served.call("GET", "/api/sites?days=2")
        (site,) = page["items"]
        assert (site["site"], site["name"], site["active"], page["total"]) == (A, "a", 4, 1)
        assert (site["opened"], site["granted"], site["opt_in_rate"], site["units"]) == (30, 8, 0.2667, 14)
        assert (site["mean_s"], site["median_s"], site["mode_s"]) == (33.0, site["median_s"], site["median_s"])
        assert abs(site["median_s"] / 34.9 - 1) < 0.01
        assert 'integrity="sha384-x"' in page["snippets"][0]["html"]
    async with serve(tmp_path) as served:
        one = await served.call("GET", f"/api/sites/{quote(A, safe='')}?days=30")
        assert [(each["at"] / 86_400, each["opened"]) for each in one["days"]] == [(today - 1, 10), (today, 20)]
        assert one["active"] == 0, "nobody is connected yet"
        await served.call("GET", "/api/sites/nothing", 404)
        (shown,) = objects(await disio("sites", "--json", data=tmp_path), "sites")
        assert shown["items"][0]["visits"] == 12
        (shown,) = objects(await disio("sites", A, "--json", data=tmp_path), "sites SITE")
        assert len(shown["days"]) == 2
        text = await disio("sites", data=tmp_path)
        assert A in text.stdout and text.stderr.startswith("1 sites in 30 days")
        assert A not in (await disio("sites", "--days", "1", data=tmp_path)).stderr
        assert status_of(await disio("sites", "https://none.example", data=tmp_path)) == 3


async def test_a_distributor_that_tells_nonsense_of_sites_loses_its_session(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        peer = served.peer()
        await peer.join()
        await peer.say(Sites(rows=[counted(1, opened=-1)]))
        assert (await peer.hear(messages.Error)).code == "malformed"
