"""What the form says a task is in a shell and in Python: both make an equal document."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from disio.rest import ManagerClient

from .test_first_picture import signed_in, up  # noqa: F401 - a fixture

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
LIMIT_S = 60


@pytest.fixture
async def form(up: dict[str, Any], browser_context: BrowserContext) -> AsyncIterator[Page]:  # noqa: F811
    page, problems = await signed_in(browser_context, up)
    await page.goto(f"{up['dashboard']}/tasks/new")
    yield page
    assert problems == []


async def run(up: dict[str, Any], *words: str) -> str:  # noqa: F811
    """Run a program on a machine where ``disio`` knows its manager; return what it prints."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DISIO_")}
    environment |= {"DISIO_DATA_DIR": str(Path(up["token_file"]).parent)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe, env=environment)
    out, err = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_the_copied_command_and_program_make_the_same_task(form: Page, up: dict[str, Any]) -> None:  # noqa: F811
    await form.get_by_role("button", name=re.compile("Mandelbrot")).click()
    await form.get_by_label("Name").fill('it\'s the "same" $task')
    await form.get_by_label("Payloads (JSON)").fill('{"list": [1.0, 12345678901234567890, {"b": 1, "a": 2}]}')
    await form.get_by_label("Priority").fill("7")
    await form.get_by_label("More (JSON)").fill('{"tags": ["a"], "policy": {"stall_s": 77}}')
    await form.get_by_text("The same as a command, and in Python").click()
    command = await form.get_by_role("region", name="In a shell").locator("pre").inner_text()
    program = await form.get_by_role("region", name="In Python").locator("pre").inner_text()
    await form.get_by_label("Launch untested").check()
    await form.get_by_role("button", name="Launch", exact=True).click()
    await form.wait_for_url(re.compile("/tasks/(?!new)"))
    launched = form.url.rpartition("/")[2].partition("?")[0]

    await run(up, "bash", "-c", command)
    await run(up, sys.executable, "-c", program)
    async with ManagerClient.from_files(up["manager"], Path(up["token_file"])) as manager:
        tasks = (await manager.tasks())["items"]
        documents = {task["id"]: await manager.document(task["id"]) for task in tasks}
    assert len(documents) == 3
    assert all(each == documents[launched] for each in documents.values())
    assert documents[launched]["policy"]["priority"] == 7 and documents[launched]["policy"]["stall_s"] == 77


async def test_a_copy_of_a_task_is_edited_and_launched(form: Page, up: dict[str, Any]) -> None:  # noqa: F811
    await form.get_by_role("button", name=re.compile("N queens")).click()
    await form.get_by_label("Launch untested").check()
    await form.get_by_role("button", name="Launch", exact=True).click()
    await form.wait_for_url(re.compile("/tasks/(?!new)"))
    task = form.url.rpartition("/")[2].partition("?")[0]
    await form.goto(f"{up['dashboard']}/tasks/new?from={task}")
    await expect(form.get_by_label("Name")).to_have_value("11 queens")
    await expect(form.get_by_label("Code", exact=True)).to_contain_text("Ways to place n queens")
    await form.reload()
    await form.get_by_label("Name").fill("other queens")
    await form.get_by_label("Launch untested").check()
    await form.get_by_role("button", name="Launch", exact=True).click()
    await expect(form.get_by_role("heading", name="other queens")).to_be_visible()
