"""Pages: where the next one is."""

from typing import Any

from yarl import URL

from tests.unit.manager.served import Served


async def test_a_list_names_its_next_page(manager: Served) -> None:
    names = [f"task {at} & more" for at in range(5)]
    for name in names:
        await manager.create(name=name)
    seen: list[str] = []
    url: str | None = "/api/tasks?limit=2&q=%26%20more"
    while url:
        async with manager.http.get(manager.url + url) as answer:
            page: dict[str, Any] = await answer.json()
            seen += [each["name"] for each in page["items"]]
            url = str(URL(answer.links["next"]["url"]).relative()) if "next" in answer.links else None
            assert (url is None) == (page["next_cursor"] is None)
    assert seen == names[::-1]
