"""What a person is told to look at, over REST."""

from tests.unit.manager.served import Served


async def test_a_refused_distributor_is_told_of_and_a_second_asker_gets_the_same(manager: Served) -> None:
    assert await manager.call("GET", "/api/attention") == {"items": [], "total": 0}
    await manager.peer().join(software="disio/none")
    manager.app.watching.shared._made.clear()
    told = await manager.call("GET", "/api/attention")
    assert [item["kind"] for item in told["items"]] == ["versions"] and told["total"] == 1
    async with manager.http.get(manager.url + "/api/attention") as first:
        tag = first.headers["ETag"]
    async with manager.http.get(manager.url + "/api/attention", headers={"If-None-Match": tag}) as second:
        assert second.status == 304
