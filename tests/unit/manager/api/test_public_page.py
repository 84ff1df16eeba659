"""The web page of a public task: who sees it, what is on it, and that nothing on it runs."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.unit.manager.served import JAVASCRIPT, Served

NASTY = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
OPEN = {"Authorization": ""}


class Seen(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " "
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


async def look(manager: Served, task: str) -> tuple[Seen, str]:
    """Return the page as somebody without a token sees it, and its policy."""
    async with manager.http.get(f"{manager.url}/tasks/{task}", headers=OPEN) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        return Seen(await answer.text()), answer.headers["Content-Security-Policy"]


async def test_a_task_that_is_not_public_is_not_there(manager: Served) -> None:
    private, public = await manager.create(), await manager.create(public=True)
    for place in ("", "/progress.json"):
        told = await manager.call("GET", f"/tasks/{private['id']}{place}", 404, headers=OPEN)
        none = await manager.call("GET", f"/tasks/{'x' * 12}{place}", 404, headers=OPEN)
        same = {"detail": "", "request_id": ""}
        assert told | same == none | same
        assert told["detail"].replace(private["id"], "") == none["detail"].replace("x" * 12, "")
        async with manager.http.get(f"{manager.url}/tasks/{public['id']}{place}", headers=OPEN) as answer:
            assert answer.status == 200
    await manager.call("PATCH", f"/api/tasks/{private['id']}", json={"public": True})
    await look(manager, private["id"])
    await manager.call("PATCH", f"/api/tasks/{private['id']}", json={"public": False})
    await manager.call("GET", f"/tasks/{private['id']}", 404, headers=OPEN)
    for path in (f"/api/tasks/{public['id']}", f"/api/tasks/{public['id']}/results", "/api/tasks"):
        await manager.call("GET", path, 401, headers=OPEN)


async def test_the_page_tells_what_is_computed_and_how_far_it_is(manager: Served) -> None:
    task = await manager.create(
        public=True, name="squares", description="Squares of numbers.\nFor a start.", payloads={"range": [100, 200]}
    )
    peer = manager.peer()
    await peer.join()
    await peer.leased(100)
    await peer.deliver(task["id"], list(range(60)), "b1")
    seen, _ = await look(manager, task["id"])
    for text in ("squares", "Squares of numbers.", "60 of 100", "JavaScript", JAVASCRIPT, "Lend a hand"):
        assert text in seen.text, text
    assert "http://127.0.0.1:8710" in seen.text, "where the distributor is"
    assert ("http-equiv", "refresh") not in seen.attributes, "it renews itself for who asks for that"
    renewing, _ = await look(manager, f"{task['id']}?renew=true")
    assert ("content", "10") in renewing.attributes and "stop that" in renewing.text
    cells = re.findall(r"\d+", seen.text.partition("Payloads")[2].partition("Code")[0])
    assert cells == [text for at in [*range(20), *range(97, 100)] for text in (str(at), str(at + 100))]
    results = re.findall(r"\d+", seen.text.partition("Latest results")[2].partition("Payloads")[0])
    assert len(results) == 40 and results[:2] == ["59", "3481"]
    told = await manager.call("GET", f"/tasks/{task['id']}/progress.json", headers=OPEN)
    assert (told["state"], told["done"], told["total"]) == ("running", 60, 100)


async def test_nothing_that_somebody_wrote_becomes_markup(manager: Served) -> None:
    source = f"export default () => 1 // {NASTY}"
    task = await manager.create(
        public=True,
        name=NASTY,
        description=NASTY,
        workunit={"language": "javascript", "source": source},
        payloads={"list": [NASTY, {"a": NASTY}]},
    )
    peer = manager.peer()
    await peer.join(url='http://127.0.0.1:8710/"onclick="alert(3)')
    await peer.leased(2)
    await peer.deliver(task["id"], [0], value=b'"</td><script>alert(4)</script>"')
    seen, policy = await look(manager, task["id"])
    assert not {"script", "img", "form", "iframe", "link", "object", "base", "svg"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "style")]
    assert seen.text.count("alert(1)") >= 4 and "alert(4)" in seen.text
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    ("unit", "payloads", "words"),
    [
        ({"language": "wasm", "source_base64": "AGFzbQEAAAA="}, {"list": [{"$base64": "AAEC"}]}, ["WebAssembly"]),
        (
            {"language": "python", "source": "def run(payload, unit): return 1"},
            {"grid": {"x": [1, 2]}},
            ["Python", '{"x":1}'],
        ),
    ],
)
async def test_other_languages_and_payloads(
    manager: Served, unit: dict[str, Any], payloads: dict[str, Any], words: list[str]
) -> None:
    task = await manager.create(public=True, workunit=unit, payloads=payloads)
    seen, _ = await look(manager, task["id"])
    assert all(word in seen.text for word in words) and "No distributor takes volunteers" in seen.text
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")


async def test_long_texts_are_cut_and_a_page_of_a_closed_task_stands_still(manager: Served) -> None:
    task = await manager.create(public=True, payloads={"list": ["x" * 100_000]})
    await manager.call("POST", f"/api/tasks/{task['id']}/cancel")
    seen, _ = await look(manager, task["id"])
    assert "x" * 199 in seen.text and "x" * 201 not in seen.text and "characters more" in seen.text
    assert ("http-equiv", "refresh") not in seen.attributes and "Lend a hand" not in seen.text
