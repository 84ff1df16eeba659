"""What the dashboard says about hand-outs, single payloads, distributors and managers, in a real Chromium."""

import re

from playwright.async_api import Page, expect

from tests.browser.test_dashboard import add_task, dashboard, manager, page
from tests.unit.dashboard.standin_manager import StandinManager

__all__ = ["dashboard", "manager", "page"]

RELAXED = "The Redis at 127.0.0.1:6379 writes to disk once a second only: results of the last second may be lost."
HOSTILE = "<img src=x onerror=alert(1)>"


def distributor(name: str, **changes: object) -> dict[str, object]:
    """Return a row of the fleet."""
    plain: dict[str, object] = {
        "id": f"d-{name}",
        "name": name,
        "url": f"http://{name}.example.org",
        "region": "eu",
        "software": "disio 0.1.0",
        "state": "online",
        "clients": 12,
        "slots": 40,
        "kinds": {"web": 12},
        "rate": 80.0,
        "outbox": 3,
        "blocks": 2,
        "last_seen": 1_700_000_000.0,
        "durability": "full",
        "space": 0.1,
        "turned_away": 0,
        "manager": "m-1",
        "trouble": "",
    }
    return plain | changes


def story(**changes: object) -> dict[str, object]:
    """Return what is told about payload 7."""
    return {"i": 7, "payload": {"n": 7}, "state": "done", "votes": [], "sentences": []} | changes


async def show_fleet(page: Page, manager: StandinManager, *rows: dict[str, object]) -> None:
    """Go to the fleet page with these distributors."""
    manager.distributors = list(rows)
    await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Fleet").click()
    manager.publish("fleet", {"items": manager.distributors})


async def look_up(page: Page, index: str) -> None:
    await page.get_by_label("Index", exact=True).fill(index)
    await page.get_by_role("button", name="Look up").click()


async def test_a_distributor_says_what_is_wrong_with_it(page: Page, manager: StandinManager) -> None:
    ailing = distributor("south", durability=RELAXED, space=0.87, turned_away=1234)
    await show_fleet(page, manager, distributor("north"), ailing)
    north, south = page.locator("[data-distributor=d-north]"), page.locator("[data-distributor=d-south]")
    await expect(south).to_contain_text(RELAXED)
    await expect(south).to_contain_text("87 % used")
    await expect(south).to_contain_text("hands out no more work")
    await expect(south).to_contain_text("1,234 for want of places")
    await expect(north).to_contain_text("10 % used")
    await expect(north.locator(".warning")).to_have_count(0)
    await expect(page.get_by_role("link", name="1 distributor needs a look")).to_be_visible()


async def test_a_refused_distributor_is_shown_by_name_and_reason(page: Page, manager: StandinManager) -> None:
    trouble = "version: it speaks protocol 2, this manager speaks 1"
    await show_fleet(page, manager, distributor("west", state="refused", trouble=trouble, clients=0))
    west = page.locator("[data-distributor=d-west]")
    await expect(west).to_contain_text("refused")
    await expect(west).to_contain_text(trouble)
    await expect(west).not_to_contain_text("Clients")


async def test_managers_are_listed_where_there_is_more_than_one(page: Page, manager: StandinManager) -> None:
    one = {"id": "m-1", "url": "http://one.example.org", "alive": True, "beat_age_s": 0.0, "since": 0.0, "this": True}
    two = {
        "id": "m-2",
        "url": "http://two.example.org",
        "alive": False,
        "beat_age_s": 90.0,
        "since": 0.0,
        "this": False,
    }
    manager.managers = [one]
    await show_fleet(page, manager, distributor("north"))
    await expect(page.locator("[data-distributor=d-north]")).to_be_visible()
    await expect(page.get_by_role("heading", name="Managers")).to_be_hidden()
    manager.managers = [one, two]
    await page.reload()
    managers = page.get_by_role("region", name="Managers")
    await expect(managers).to_contain_text("Answers this page")
    await expect(managers).to_contain_text("Last sign of life 2 min ago")
    await expect(page.locator("[data-distributor=d-north]")).to_contain_text("http://one.example.org")


async def test_counters_say_what_they_mean(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager, state="running", done=10, lost=1234, tries_failed=5, copies=2, invalid=1)
    await page.goto(page.url.partition("/tasks")[0].rstrip("/") + f"/tasks/{task_id}")
    lost = page.get_by_role("button", name="1,234 lost")
    await expect(lost).to_have_accessible_description(re.compile("never counts as failed"))
    tip = page.get_by_role("tooltip").first
    await expect(tip).to_be_hidden()
    await lost.focus()
    await expect(tip).to_be_visible()
    await expect(page.get_by_role("button", name="1 invalid")).to_be_visible()
    manager.change(task_id, lost=1235)
    await expect(page.get_by_role("button", name="1,235 lost")).to_be_visible()
    await expect(page.get_by_role("button", name="1 invalid")).to_be_visible()


async def test_the_story_of_a_payload_is_looked_up_by_its_index(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager, state="running", done=10)
    votes = [
        {"client": "c-1", "distributor": "d-north", "agrees": True, "seconds": 0.5},
        {"client": "c-2", "distributor": "d-north", "agrees": False, "seconds": 0.25, "result": HOSTILE},
    ]
    told = "Client c-0 computed it in 0.5 s."
    manager.stories[task_id, 7] = story(result=49, client="c-0", seconds=0.5, votes=votes, sentences=[told])
    block = {"id": "b", "holder": "d-north", "holder_name": "north", "lease": 3, "lease_ends_s": 42.0}
    manager.stories[task_id, 8] = story(i=8, state="leased", block=block, sentences=["north holds its block."])
    manager.stories[task_id, 9] = story(i=9, state="failed", errors=[f"TypeError: {HOSTILE}", "timeout"])
    await page.goto(page.url.partition("/tasks")[0].rstrip("/") + f"/tasks/{task_id}?tab=payloads")
    shown = page.get_by_role("region", name="Look up a payload")

    await look_up(page, "7")
    await expect(shown).to_contain_text(told)
    await expect(shown).to_contain_text("c-0, 500.0 ms")
    await expect(shown.get_by_role("listitem").nth(0)).to_contain_text("agrees c-1")
    await expect(shown.get_by_role("listitem").nth(1)).to_contain_text(f'differs c-2, 250.0 ms: "{HOSTILE}"')
    await look_up(page, "8")
    await expect(shown).to_contain_text("north (lease 3, for 42 s more)")
    await look_up(page, "9")
    await expect(shown.get_by_role("listitem").nth(0)).to_contain_text(f"TypeError: {HOSTILE}")
    await look_up(page, "1,000")
    await expect(shown.get_by_role("alert")).to_contain_text("from 0 to 999")
    await expect(shown).not_to_contain_text("TypeError")
    assert await page.locator("main img").count() == 0


async def test_errors_of_advanced_fields_unfold_them(page: Page, manager: StandinManager) -> None:
    await page.goto(page.url.partition("/tasks")[0].rstrip("/") + "/tasks/new")
    await page.get_by_role("button", name="N queens").click()
    await page.get_by_label("Launch untested").check()
    lost = page.get_by_label("Max lost")
    await expect(lost).to_be_hidden()
    await page.get_by_text("Advanced", exact=True).click()
    await lost.fill("0")
    await page.get_by_label("When nothing is left to hand out").select_option("wait")
    await page.get_by_text("Advanced", exact=True).click()
    await expect(lost).to_be_hidden()
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(lost).to_be_focused()
    await expect(lost).to_have_accessible_description(re.compile("must be from 1 to 1000"))
    await lost.fill("7")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name="11 queens")).to_be_visible()
    assert len(manager.tasks) == 1


async def test_a_phone_scrolls_in_one_direction_only(page: Page, manager: StandinManager) -> None:
    await page.set_viewport_size({"width": 390, "height": 800})
    task_id = add_task(manager, state="running", lost=123_456, tries_failed=12_345, copies=1_234, invalid=123)
    manager.stories[task_id, 7] = story(result="9" * 300, errors=["x" * 300], client="c" * 60, seconds=1.0)
    manager.managers = [
        {"id": "m" * 40, "url": "http://" + "o" * 60, "alive": True, "beat_age_s": 0.0, "since": 0.0, "this": n == 0}
        for n in range(2)
    ]
    await show_fleet(page, manager, distributor("n" * 60, durability="x" * 80, url="http://" + "u" * 90, space=1.0))
    await expect(page.get_by_role("heading", name="Managers")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.goto(page.url.partition("/fleet")[0] + f"/tasks/{task_id}?tab=payloads")
    await look_up(page, "7")
    await expect(page.get_by_text("Payload 7")).to_be_visible()
    for counter in await page.get_by_label("Hand-outs").get_by_role("button").all():
        await counter.focus()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
