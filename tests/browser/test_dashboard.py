"""The dashboard's pages in a real Chromium, before a stand-in manager."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from disio_shared.taskdoc import parse_task
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager, standin_manager
from tests.waiting import patient

SOURCE = "export default function run(payload) { return payload.n }"
DOCUMENT = {
    "name": "squares",
    "workunit": {"language": "javascript", "source": SOURCE},
    "payloads": {"grid": {"n": {"range": [0, 1000]}}},
}
PROBLEMS = re.compile("Content Security Policy|Trusted|Uncaught")


@pytest.fixture
async def manager() -> AsyncIterator[StandinManager]:
    async with standin_manager() as running:
        yield running


@pytest.fixture
async def dashboard(tmp_path: Path, manager: StandinManager) -> AsyncIterator[DashboardApp]:
    (tmp_path / "admin.token").write_text(TOKEN)
    app = DashboardApp(Settings(data_dir=str(tmp_path), manager=manager.url, port=0))
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
async def page(dashboard: DashboardApp, browser_context: BrowserContext) -> AsyncIterator[Page]:
    """A page that signed in by the one-time link; no script error and no policy violation is let pass."""
    page = await browser_context.new_page()
    page.set_default_timeout(patient(15_000))
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if PROBLEMS.search(message.text) else None)
    await page.goto(dashboard.login_link())
    await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
    await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    yield page
    assert problems == []


async def write_code(page: Page, source: str) -> None:
    """Put code into the editor as a person does: select all, delete, paste."""
    await page.get_by_label("Code", exact=True).click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.press("Delete")
    await page.keyboard.insert_text(source)


def add_task(manager: StandinManager, **changes: object) -> str:
    task_id = str(manager.add(parse_task(json.dumps(DOCUMENT).encode()))["id"])
    manager.change(task_id, **changes)
    return task_id


async def test_a_task_is_created_after_its_errors_were_shown_at_their_fields(
    page: Page, manager: StandinManager
) -> None:
    await expect(page.get_by_text("No tasks yet")).to_be_visible()
    await page.get_by_role("link", name="Create a task").click()
    await page.get_by_role("button", name="Digits of pi A classic").click()
    await expect(page.get_by_role("button", name="Launch", exact=True)).to_be_disabled()
    await page.get_by_label("Launch untested").check()
    await page.get_by_label("Payloads (JSON)").fill('{"grid": {"n": "9-1"}}')
    await page.get_by_label("Max failures").fill("0")
    await page.get_by_role("button", name="Launch", exact=True).click()

    payloads, failures = page.get_by_label("Payloads (JSON)"), page.get_by_label("Max failures")
    await expect(payloads).to_have_accessible_description(re.compile("grid.n: 9-1 runs backwards"))
    await expect(payloads).to_have_attribute("aria-invalid", "true")
    await expect(payloads).to_be_focused()
    await expect(failures).to_have_accessible_description(re.compile("must be from 1 to 100"))
    await expect(page.get_by_label("Name")).to_have_value("pi hex digits")
    assert manager.tasks == {}

    await payloads.fill('{"grid": {"n": "0-99", "digits": [8]}}')
    await failures.fill("3")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name="pi hex digits")).to_be_visible()
    await expect(page).to_have_title("pi hex digits · disio")
    await expect(page.get_by_role("main")).to_be_focused()
    await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name="Tasks").click()
    row = page.get_by_role("row", name=re.compile("pi hex digits"))
    await expect(row).to_contain_text("0 of 100")
    await expect(row).to_contain_text("queued")
    (task,) = manager.tasks.values()
    assert task["total"] == 100


async def test_python_and_webassembly_are_created_with_how_they_run(
    page: Page, manager: StandinManager, tmp_path: Path
) -> None:
    await page.get_by_role("link", name="Create a task").click()
    await page.get_by_label("Name").fill("mine")
    await expect(page.get_by_label("Runs")).to_have_count(0)
    await page.get_by_label("Language").select_option("python")
    await page.get_by_label("Launch untested").check()
    await write_code(page, "def walk(payload, unit): return 1")
    await page.get_by_label("Runs").select_option("native")
    await page.get_by_role("button", name="Launch", exact=True).click()
    code = page.get_by_label("Code", exact=True)
    await expect(code).to_have_accessible_description(re.compile("defines no function run"))
    await write_code(page, "def run(payload, unit): return 1")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name="mine")).to_be_visible()

    await page.goto(page.url.split("/tasks")[0] + "/tasks/new")
    await page.get_by_label("Name").fill("module")
    await page.get_by_label("Launch untested").check()
    await page.get_by_label("Language").select_option("wasm")
    await page.get_by_role("button", name="Launch", exact=True).click()
    file = page.get_by_label("WebAssembly module")
    await expect(file).to_have_accessible_description(re.compile("is empty"))
    (tmp_path / "unit.wasm").write_bytes(b"\0asm\1\0\0\0")
    await file.set_input_files(tmp_path / "unit.wasm")
    await page.get_by_label("Standard output is").select_option("json")
    await expect(page.get_by_text("unit.wasm", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name="module")).to_be_visible()
    python, wasm = (task["workunit"] for task in manager.tasks.values())
    assert (python["language"], python["runtime"]) == ("python", "native")
    assert (wasm["language"], wasm["output"], wasm["clock"], wasm["bytes"]) == ("wasm", "json", "fixed", 8)


async def test_progress_arrives_live_without_a_reload(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager)
    row = page.locator(f"tr[data-task='{task_id}']")
    await expect(row).to_contain_text("0 of 1,000")
    await page.evaluate("window.isSamePage = true")
    manager.change(task_id, state="running", done=400, leased=100, rate=80.0, eta_s=6.2)
    await expect(row).to_contain_text("400 of 1,000")
    await expect(row).to_contain_text("running")
    await expect(row).to_contain_text("80.0/s")
    await expect(row.get_by_role("img")).to_have_accessible_name("400 of 1,000 done, 0 failed")
    manager.change(task_id, state="done", done=1000, leased=0, rate=0.0, eta_s=None)
    await expect(row).to_contain_text("done")
    assert await page.evaluate("window.isSamePage") is True


async def test_an_error_without_a_field_is_shown_on_top_and_nothing_is_lost(
    page: Page, manager: StandinManager
) -> None:
    await page.goto(page.url.rpartition("/tasks")[0] + "/tasks/new")
    await page.get_by_role("button", name="N queens").click()
    await page.get_by_label("Launch untested").check()
    await page.get_by_label("Name").fill("mine")
    await manager.stop()
    await page.get_by_role("button", name="Launch", exact=True).click()
    top = page.get_by_role("alert")
    await expect(top).to_contain_text("no manager answers")
    await expect(top).to_be_focused()
    await page.reload()
    await expect(page.get_by_label("Name")).to_have_value("mine")
    await manager.start()
    await page.get_by_label("Launch untested").check()
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.get_by_role("heading", name="mine")).to_be_visible()
    await page.goto(page.url.rpartition("/")[0] + "/new")
    await expect(page.get_by_label("Name")).to_have_value("")


async def test_a_template_taken_by_mistake_can_be_undone(page: Page) -> None:
    await page.goto(page.url.rpartition("/tasks")[0] + "/tasks/new")
    await write_code(page, "my code")
    await page.get_by_role("button", name="N queens").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Code", exact=True)).to_have_text("my code")


async def test_an_outage_is_told_and_ends_by_itself(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager)
    await expect(page.locator(f"tr[data-task='{task_id}']")).to_be_visible()
    await manager.stop()
    await expect(page.get_by_text("No connection to the manager")).to_be_visible()
    await page.evaluate(
        "document.getElementById('app').style.minHeight = '300vh'; scrollTo(0, document.body.scrollHeight)"
    )
    await expect(page.get_by_text("No connection to the manager")).to_be_in_viewport()
    await expect(page.locator(f"tr[data-task='{task_id}']")).to_be_visible()
    manager.tasks[task_id]["done"] = 77
    await manager.start()
    await expect(page.get_by_text("No connection to the manager")).to_be_hidden(timeout=patient(20_000))
    await expect(page.locator(f"tr[data-task='{task_id}']")).to_contain_text("77 of 1,000")


async def test_verbs_work_and_the_final_ones_ask_first(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager, state="running")
    row = page.locator(f"tr[data-task='{task_id}']")
    await row.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("paused")
    await row.get_by_role("button", name="Resume").click()
    await expect(row).to_contain_text("running")
    await row.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert task_id in manager.tasks
    await row.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete task").click()
    await expect(page.get_by_text("No tasks yet")).to_be_visible()
    assert manager.tasks == {}


async def test_pages_of_tasks_tell_exact_totals(page: Page, manager: StandinManager) -> None:
    for _ in range(120):
        add_task(manager)
    await page.reload()
    pager = page.get_by_role("navigation", name="Pages of tasks")
    await expect(pager).to_contain_text("1–50 of 120")
    await pager.get_by_role("button", name="Older").click()
    await pager.get_by_role("button", name="Older").click()
    await expect(pager).to_contain_text("101–120 of 120")
    await expect(pager.get_by_role("button", name="Older")).to_be_disabled()
    await pager.get_by_role("button", name="Newer").click()
    await expect(pager).to_contain_text("51–100 of 120")


async def test_what_strangers_sent_is_shown_as_text(page: Page, manager: StandinManager) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    task_id = add_task(manager, state="running", name=hostile, done=1, failed=1)
    manager.results[task_id] = [{"i": 0, "payload": hostile, "result": hostile, "client": "c", "seconds": 0.1}]
    manager.failures[task_id] = [{"i": 1, "payload": hostile, "errors": [f"{hostile}: boom"]}]
    await page.get_by_role("link", name=hostile).click()
    await expect(page.get_by_role("cell", name=hostile)).to_have_count(2)
    parts = page.get_by_role("navigation", name="Parts of this task")
    await parts.get_by_role("link", name="Failures").click()
    await expect(page.get_by_text("boom")).to_be_visible()
    await parts.get_by_role("link", name="Code").click()
    await expect(page.get_by_text(SOURCE)).to_be_visible()
    assert await page.locator("main img").count() == 0


async def test_the_form_signs_in_without_javascript(dashboard: DashboardApp, browser_context: BrowserContext) -> None:
    assert browser_context.browser is not None
    context = await browser_context.browser.new_context(java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(dashboard.login_link().partition("?")[0])
        await page.get_by_label("Admin token").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("does not know this token")
        await page.get_by_label("Admin token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(re.compile(r"/$"))
        assert await page.title() == "disio"
    finally:
        await context.close()


async def test_signing_out_leads_to_the_form(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Admin token")).to_be_visible()
    await page.goto(page.url.partition("/login")[0] + "/tasks")
    await expect(page.get_by_label("Admin token")).to_be_visible()


async def test_a_phone_scrolls_in_one_direction_only(page: Page, manager: StandinManager) -> None:
    task_id = add_task(manager, name="a very-long-name" * 10, state="running")
    manager.results[task_id] = [
        {"i": n, "payload": {"n": "9" * 90}, "result": "8" * 90, "client": "c", "seconds": 0.1} for n in range(3)
    ]
    await page.set_viewport_size({"width": 390, "height": 800})
    for path in ("/tasks", "/tasks/new", f"/tasks/{task_id}"):
        await page.goto(page.url.partition("/tasks")[0].rstrip("/") + path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_on_a_phone_a_button_chooses_the_page_and_nothing_unseen_takes_the_focus(
    page: Page, manager: StandinManager
) -> None:
    add_task(manager, name="one", state="running")
    await page.goto(page.url.partition("/tasks")[0].rstrip("/") + "/tasks")
    in_head = page.get_by_label("Choose every task of this page")
    await expect(in_head).to_be_visible()
    await page.set_viewport_size({"width": 390, "height": 800})
    await expect(in_head).to_be_hidden()
    await page.get_by_role("button", name="Choose this page").click()
    await expect(page.get_by_role("region", name="Chosen tasks")).to_contain_text("1 chosen")
