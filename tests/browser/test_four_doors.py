"""The same task document by every way in: REST, command line, SDK and the dashboard's form make the same stored task.

A task is the same when ``GET /tasks/{id}/document`` gives the same bytes and its rows differ in id, number and time of
creation alone.
"""

import asyncio
import base64
import hashlib
import os
import re
import shlex
import sqlite3
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from playwright.async_api import BrowserContext, FilePayload, Page, expect

import disio
from disio_dashboard.app import DashboardApp
from disio_dashboard.settings import Settings
from disio_shared.ids import fresh_id
from tests.browser.test_dashboard import write_code
from tests.integration.env import Env, Started
from tests.unit.manager.tars import tar_of
from tests.waiting import patient

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
SQUARE = "export default (n) => n * n"
JAVASCRIPT = '{"language": "javascript", "source": "export default (n) => n * n"}'
WASM = base64.b64encode((ROOT / "examples" / "upper" / "upper.wasm").read_bytes()).decode()
LINES = b'{"n": 1}\n{"n": 12345678901234567890}\n'
RECORDS = b"city,size\r\nBerlin,3700000\r\nParis,\r\n"
FILES = tar_of([("a.txt", b"a"), ("deep/b.bin", b"\0\xff")])
BLOBS = {hashlib.sha256(data).hexdigest(): data for data in (LINES, RECORDS, FILES)}
LINES_NAME, RECORDS_NAME, FILES_NAME = BLOBS
SQUARE_NAME = hashlib.sha256(SQUARE.encode()).hexdigest()
OWN = {"id", "number", "created_at"}
"""What two tasks of one document differ in."""


def written(payloads: str, unit: str = JAVASCRIPT, more: str = "") -> str:
    """Return a document as somebody could have typed it."""
    return f'{{"workunit": {unit}, "payloads": {payloads}{more}}}'


EVERYTHING = written(
    '{"grid": {"z": {"range": [10, 0, -2]}, "a": {"linspace": [0, 1, 5]}, "n": "1-3", "c": [1, 1.0, null], "b": 99}}',
    more=""", "name": "all of it: \\u00fc \\"}, {", "tags": ["math", "second, with a comma"], "public": true,
  "description": "What it computes.\\n\\tFor people.",
  "webhooks": [{"url": "http://127.0.0.1:1/hook", "events": ["done", "stalled"],
                "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {"url": "http://127.0.0.1:1/other"}],
  "policy": {"priority": -7, "weight": 2.50, "max_distributors": 3, "redundancy": 1, "verify": "fixed",
             "compare": "exact", "deadline": 4102444800.125, "unit_timeout_s": 12.5, "max_result_bytes": 1000,
             "max_log_bytes": 0, "max_failures": 9, "max_lost": 11, "max_task_failures": 100, "stall_s": 3600,
             "requires": {"memory_mb": 128, "one_per_machine": false, "kinds": ["cli"]}, "when_exhausted": "wait",
             "max_redundancy": 7,
             "stop_when": {"result": [{"path": "a.0", "equals": {"2": 1.0, "1": [1e5, "\\" },"]}},
                                      {"above": 0.10, "at_most": 1}, {"path": "no", "exists": false}], "count": 2}}""",
)
DOCUMENTS = {
    "minimal": written('{"list": [1]}'),
    "everything": EVERYTHING,
    "list": written(
        '{"list": [12345678901234567890, 1.0, -0.10, 1e-7, "\\u00e9", {"2": 1, "1": 2}, {"$base64": "/w=="}]}'
    ),
    "range": written('{"range": [1000000000, 0, -3]}'),
    "zip": written('{"zip": {"y": ["a", "b"], "x": {"range": [0, 2]}, "always": true}}'),
    "random": written('{"random": {"count": 1000, "seed": "a word", "x": {"uniform": [0, 1.5]}, "n": "1-6"}}'),
    "ndjson": written(f'{{"blob": "{LINES_NAME}", "format": "ndjson"}}'),
    "lines": written(f'{{"blob": "{LINES_NAME}", "format": "lines"}}'),
    "csv": written(f'{{"blob": "{RECORDS_NAME}", "format": "csv", "numbers": ["size"]}}'),
    "files": written(f'{{"blob": "{FILES_NAME}", "format": "files"}}'),
    "python": written('{"range": [0, 3]}', '{"language": "python", "runtime": "native", "source": "def run(p, u): 1"}'),
    "wasm": written(
        '{"list": ["a"]}', f'{{"language": "wasm", "source_base64": "{WASM}", "output": "text", "clock": "real"}}'
    ),
    "the same code": written('{"range": [0, 3]}'),
    "uploaded code": written('{"range": [0, 3]}', f'{{"language": "javascript", "sha256": "{SQUARE_NAME}"}}'),
}
OPTIONS = shlex.split("""--grid n=0:10 k=1,2.5 --name options --tag one --tag two --description words --priority 4
 --weight 2 --max-distributors 1 --min-ram 99 --unit-timeout 7 --max-failures 2 --max-task-failures 5 --kinds cli
 --deadline 4102444800 --public --webhook http://127.0.0.1:1/hook --stop-when 'score >= 0.5' --stop-count 2""")
SAID_BY_OPTIONS = written(
    '{"grid": {"n": {"range": [0, 10]}, "k": [1, 2.5]}}',
    more=""", "name": "options", "tags": ["one", "two"], "description": "words", "public": true,
  "webhooks": [{"url": "http://127.0.0.1:1/hook"}],
  "policy": {"priority": 4, "weight": 2, "max_distributors": 1, "unit_timeout_s": 7, "max_failures": 2,
             "max_task_failures": 5, "deadline": 4102444800, "requires": {"memory_mb": 99, "kinds": ["cli"]},
             "stop_when": {"result": [{"path": "score", "at_least": 0.5}], "count": 2}}""",
)


class House:
    """A manager and the dashboard in front of it, without a distributor: tasks stay as they were made."""

    def __init__(self, env: Env, manager: Started, page: Page) -> None:
        self.env, self.manager, self.page = env, manager, page
        self.token_file = env.folder / "manager" / "admin.token"

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Make a call of REST."""
        kind = "application/json" if method == "POST" else "application/octet-stream"
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}", "Content-Type": kind}
        request = urllib.request.Request(f"{self.manager.url}/api{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=patient(20)) as answer:
            return bytes(answer.read())

    async def by_rest(self, text: str) -> str:
        """Return the id of the task that a document makes."""
        return str(msgspec.json.decode(await asyncio.to_thread(self.ask, "POST", "/tasks", text.encode()))["id"])

    async def by_command(self, *words: str, typed: str = "") -> str:
        """Submit by the command line, with ``typed`` as its standard input."""
        argv = [sys.executable, "-m", "disio", "submit", *words, "--manager", self.manager.url]
        keep = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
        pipe = asyncio.subprocess.PIPE
        command = await asyncio.create_subprocess_exec(
            *argv, "--token-file", str(self.token_file), stdin=pipe, stdout=pipe, stderr=pipe, env=keep,
            cwd=self.env.folder,
        )  # fmt: skip
        out, err = await command.communicate(typed.encode())
        assert command.returncode == 0, err.decode()
        return out.decode().strip()

    async def by_sdk(self, document: str | dict[str, Any]) -> str:
        """Submit by the SDK."""
        async with disio.AsyncClient(self.manager.url, token_file=self.token_file) as client:
            return (await client.submit_document(document)).id

    async def by_form(self, text: str) -> str:
        """Type a document into the form, each part where it belongs, and press the button."""
        address = urlsplit(self.page.url)
        await self.page.goto(f"{address.scheme}://{address.netloc}/tasks/new")
        await self.page.get_by_role("button", name="Clear").click()
        await typed_into(self.page, text)
        await self.page.get_by_label("Launch untested").check()
        await self.page.get_by_role("button", name="Launch", exact=True).click()
        await expect(self.page).to_have_url(re.compile("/tasks/(?!new)[^/]+$"))
        return self.page.url.rpartition("/")[2]


async def typed_into(page: Page, text: str) -> None:
    """Fill the form; what has no field in it goes as JSON, as it was written."""
    raw = members(text)
    unit, policy = members(raw.pop("workunit")), members(raw.pop("policy", "{}"))
    requires = members(policy.pop("requires", "{}"))
    await page.locator("[name='name']").fill(msgspec.json.decode(raw.pop("name", '"untitled"')))
    await page.locator("[name='payloads']").fill(raw.pop("payloads"))
    await page.get_by_text("Advanced", exact=True).click()
    language = str(msgspec.json.decode(unit.pop("language")))
    await page.locator("[name='workunit.language']").select_option(language)
    if "source" in unit:
        await write_code(page, msgspec.json.decode(unit.pop("source")))
    if "source_base64" in unit:
        module = base64.b64decode(msgspec.json.decode(unit.pop("source_base64")))
        file: FilePayload = {"name": "unit.wasm", "mimeType": "application/wasm", "buffer": module}
        await page.get_by_label("WebAssembly module").set_input_files(file)
        await expect(page.get_by_text("unit.wasm", exact=True)).to_be_visible()
    for place, fields in (("workunit", unit), ("policy", policy)):
        for name in list(fields):
            control = page.locator(f"[name='{place}.{name}']")
            if name != "deadline" and await control.count():  # its field takes days and hours
                raw_value = fields.pop(name)
                value = raw_value if raw_value.startswith(("{", "[")) else str(msgspec.json.decode(raw_value))
                is_choice = await control.evaluate("control => control.tagName") == "SELECT"
                await (control.select_option(value) if is_choice else control.fill(value))
    kinds = msgspec.json.decode(requires.pop("kinds", '["web", "cli"]'))
    for kind, label in (("web", "Browsers"), ("cli", "Machines")):
        await page.get_by_label(label).set_checked(kind in kinds)
    policy |= {"requires": object_of(requires)} if requires else {}
    raw |= {"workunit": object_of(unit)} if unit else {}
    raw |= {"policy": object_of(policy)} if policy else {}
    await page.locator("[name='more']").fill(object_of(raw) if raw else "")


def members(text: str) -> dict[str, str]:
    """Return the fields of a JSON object, each as it was written."""
    return {
        name: bytes(value).decode() for name, value in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items()
    }


def object_of(fields: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Env]:
    made = Env(tmp_path)
    yield made
    made.stop()


@asynccontextmanager
async def house_in(env: Env, context: BrowserContext, *options: str) -> AsyncIterator[House]:
    """Yield a manager with the blobs and the code that documents name, and a page that is signed in."""
    manager = env.manager(*options)
    (env.folder / "square.js").write_text(SQUARE)
    dashboard = DashboardApp(Settings(data_dir=str(env.folder / "manager"), port=0))
    await dashboard.start()
    try:
        page = await context.new_page()
        page.set_default_timeout(patient(20_000))
        await page.goto(dashboard.login_link())
        await expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible()
        house = House(env, manager, page)
        for name, data in BLOBS.items():
            await asyncio.to_thread(house.ask, "PUT", f"/blobs/{name}", data)
        code = f"/workunits/{SQUARE_NAME}?language=javascript"
        await asyncio.to_thread(house.ask, "PUT", code, SQUARE.encode())
        yield house
    finally:
        await dashboard.stop()


async def submit_everywhere(house: House) -> dict[str, list[str]]:
    """Submit each document by each door; return the ids of its tasks, after comparing what REST shows of them."""
    made = {}
    for name, text in {**DOCUMENTS, "options": SAID_BY_OPTIONS}.items():
        made[name] = [
            await house.by_rest(text),
            await house.by_command("--task", "-", typed=text),
            await house.by_sdk(text),
            await house.by_sdk(msgspec.json.decode(text)),
            await house.by_form(text),
        ]
    made["options"].append(await house.by_command("square.js", *OPTIONS))
    for name, ids in made.items():
        shown = [await asyncio.to_thread(house.ask, "GET", f"/tasks/{task}/document") for task in ids]
        assert len(set(ids)) == len(ids) and set(shown) == {shown[0]}, name
    return made


def compare(made: dict[str, list[str]], row_of: Callable[[str], dict[str, Any]]) -> None:
    """Compare the rows of the tasks of each document."""
    seen = {}
    for name, ids in made.items():
        rows = [row_of(task) for task in ids]
        assert all(row == rows[0] for row in rows), (name, rows)
        assert rows[0]["record"].keys() >= {"document_sha256", "policy", "webhooks"}
        seen[rows[0]["record"]["document_sha256"]] = name
    assert len(seen) == len(made) - 1, "code by its hash is the same document as with its text, and no other two are"


def record_of(packed: bytes) -> dict[str, Any]:
    record = msgspec.msgpack.decode(packed, type=dict[str, Any])
    assert record.keys() >= OWN
    return {name: value for name, value in record.items() if name not in OWN}


async def test_every_door_makes_the_same_rows_in_sqlite(env: Env, browser_context: BrowserContext) -> None:
    async with house_in(env, browser_context) as house:
        made = await submit_everywhere(house)
    house.manager.stop()
    with sqlite3.connect(f"file:{env.folder}/manager/manager.db?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row

        def row_of(task: str) -> dict[str, Any]:
            row = dict(database.execute("SELECT * FROM tasks WHERE id = ?", (task,)).fetchone())
            number = row.pop("number")
            (payloads,) = database.execute("SELECT body FROM task_payloads WHERE task = ?", (number,)).fetchone()
            blob = database.execute("SELECT sha256 FROM blob_tasks WHERE task = ?", (number,)).fetchall()
            more = {"record": record_of(row["record"]), "payloads": payloads, "blob": [tuple(each) for each in blob]}
            return {name: value for name, value in row.items() if name not in OWN} | more

        compare(made, row_of)
    database.close()


async def test_every_door_makes_the_same_documents_in_mongodb(
    env: Env, browser_context: BrowserContext, mongodb_uri: str
) -> None:
    url = urlsplit(mongodb_uri)._replace(path=f"/doors_{fresh_id()}").geturl()
    async with house_in(env, browser_context, "--db", url) as house:
        made = await submit_everywhere(house)
    house.manager.stop()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(url)
    try:
        kept = {each["_id"]: each async for each in client.get_default_database()["tasks"].find({})}
    finally:
        client.close()

    def row_of(task: str) -> dict[str, Any]:
        row = kept[task]
        own = {name: value for name, value in row.items() if name not in ("_id", "number", "created")}
        return own | {"record": record_of(row["record"])}

    compare(made, row_of)
