"""ETags: what is known already is not sent again, and what is changed is what was seen."""

import pytest

from tests.unit.manager.served import Served

PLACES = (
    "/api/tasks",
    "/api/stats",
    "/api/distributors",
    "/api/managers",
    "/api/tasks/{id}",
    "/api/tasks/{id}/document",
    "/api/tasks/{id}/aggregates",
)


@pytest.mark.parametrize("place", PLACES)
async def test_what_is_known_is_not_sent_again(manager: Served, place: str) -> None:
    task = await manager.create()
    url = manager.url + place.replace("{id}", task["id"])
    async with manager.http.get(url) as answer:
        tag = answer.headers["ETag"]
        assert answer.status == 200
    for named, status in ((tag, 304), (f'"x", {tag}', 304), ("*", 304), ('W/"x"', 200), ("nonsense", 200)):
        async with manager.http.get(url, headers={"If-None-Match": named}) as answer:
            assert (answer.status, answer.headers["ETag"]) == (status, tag)
            assert bool(await answer.read()) == (status == 200)
    if place not in ("/api/managers", "/api/tasks/{id}/aggregates"):
        await manager.call("PATCH", f"/api/tasks/{task['id']}", json={"name": "another"})
        await manager.peer().join()
        await manager.create()
        async with manager.http.get(url, headers={"If-None-Match": tag}) as answer:
            assert answer.status == 200 and answer.headers["ETag"] != tag


async def test_an_edit_can_name_the_version_it_is_of(manager: Served) -> None:
    task = await manager.create()
    url = f"/api/tasks/{task['id']}"
    async with manager.http.get(manager.url + url) as answer:
        tag = answer.headers["ETag"]
    assert tag.startswith(f'W/"{task["version"]}-')
    changed = await manager.call("PATCH", url, json={"name": "b"}, headers={"If-Match": tag})
    assert changed["version"] > task["version"]
    for stale in (tag, f'"{task["version"]}"', "nonsense", '"x"'):
        problem = await manager.call("PATCH", url, 412, json={"name": "c"}, headers={"If-Match": stale})
        assert problem["errors"][0]["path"] == "If-Match"
    assert (await manager.call("GET", url))["name"] == "b"
    await manager.call("POST", f"{url}/cancel")
    version = (await manager.call("GET", url))["version"]
    await manager.call("PATCH", url, 412, json={"name": "c"}, headers={"If-Match": f'"{version - 1}"'})
    for fresh in (f'"{version}"', "*"):
        await manager.call("PATCH", url, json={"name": "d"}, headers={"If-Match": fresh})


async def test_a_large_spec_is_shown_to_who_asks_for_it(manager: Served) -> None:
    large, small = await manager.create(payloads={"list": ["x" * 100] * 1_000}), await manager.create()
    size = len('{"list":[]}') + 1_000 * 103 - 1
    assert "payloads" not in large and large["payloads_omitted"] == size
    assert "payloads_omitted" not in small and small["payloads"] == {"range": [0, 10]}
    url = f"/api/tasks/{large['id']}"
    assert len((await manager.call("GET", f"{url}?payloads=always"))["payloads"]["list"]) == 1_000
    bare = await manager.call("GET", f"/api/tasks/{small['id']}?payloads=never")
    assert "payloads" not in bare and bare["payloads_omitted"] == len('{"range":[0,10]}')
