"""Every operation of the manager, called with what its own OpenAPI document says, and with what it does not.

The caller is schemathesis (``st``), a process and an environment of its own, since its pytest plugin warns where a
warning is an error.
"""

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.services.need import in_ci
from tests.unit.manager.people.signed import add_user, cheap
from tests.unit.manager.served import JAVASCRIPT, Served, document, serve
from tools import found

pytestmark = pytest.mark.integration
LONG = os.environ.get("DISIO_SOAK") == "long"
EXAMPLES = 200 if LONG else 15
TIMEOUT_S = 3_600.0 if LONG else 240.0
SEED = 20_250
BLOB = b"some bytes"
HOOKS = '''
import schemathesis

schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Have endless streams end, and long polls soon."""
    query = case.query if isinstance(case.query, dict) else {}
    if case.operation.path == "/api/events":
        case.query = {**query, "seconds": "0.2"}
    elif "wait_s" in query:
        case.query = {**query, "wait_s": "0.2"}
'''
CONFIG = """
[checks]
negative_data_rejection.expected-statuses = ["4xx"]
"""
NOT_ASKED = "positive_data_acceptance"
"""A schema cannot say that exactly one of three fields is needed, or what a hash is of."""
GROWING = ("append_payloads", "close_task")
BODIES: dict[str, Any] = {
    "create_task": document(policy={"priority": 3, "requires": {"kinds": ["cli"]}}),
    "append_payloads": {"start": 0, "values": [1, {"x": 2}]},
    "edit_task": {"name": "another", "policy": {"weight": 2.5}},
    "login": {"name": "ada", "password": "correct horse battery"},
    "create_user": {"name": "grace", "role": "researcher", "password": "correct horse battery"},
    "change_user": {"role": "operator"},
    "create_token": {"label": "nightly", "role": "viewer", "days": 2.5},
    "preview_payloads": {"payloads": {"grid": {"x": {"range": [0, 9]}, "y": [1.5, None, "a"]}}},
}


def program() -> str:
    """Return where ``st`` is; without it, skip the test, or fail it in CI."""
    known = found.schemathesis()
    if known is not None:
        return str(known.path)
    reason = "no schemathesis: `make services` installs it, or set DISIO_TEST_SCHEMATHESIS to its st"
    if in_ci():
        pytest.fail(f"CI=true and {reason}", pytrace=False)
    pytest.skip(reason)


async def with_real_things(manager: Served, told: dict[str, Any]) -> dict[str, Any]:
    """Return the document with ids that are there, and bodies that are fine."""
    code, blob = hashlib.sha256(JAVASCRIPT.encode()).hexdigest(), hashlib.sha256(BLOB).hexdigest()
    await manager.call("PUT", f"/api/blobs/{blob}", 201, data=BLOB)
    cheap(manager)
    await add_user(manager, "ada")
    calls = [(path, call) for path, each in told["paths"].items() for call in each.values()]
    of_tasks = iter(await tasks(manager, sum("/tasks/{id}" in path for path, _ in calls)))
    for path, call in calls:
        ids = [*next(of_tasks), "none"] if "/tasks/{id}" in path else ["d1", "none"]
        if call["operationId"] in GROWING:
            ids.append((await manager.create(payloads={"open": []}))["id"])
        known = {"id": ids, "index": [0, 1, 999], "sha256": [code if "workunits" in path else blob, "0" * 64]}
        known["name"] = ["ada", "none"]
        known["site"] = ["https://a.example", "none"]
        if "/clients/{id}" in path:
            continue  # whoever was never seen can be kept out, too
        for parameter in (each for each in call["parameters"] if each["in"] == "path"):
            parameter["schema"] = {**parameter["schema"], "enum": known[parameter["name"]]}
        if call["operationId"] in BODIES:
            call["requestBody"]["content"]["application/json"]["example"] = BODIES[call["operationId"]]
    return told


async def tasks(manager: Served, count: int) -> list[list[str]]:
    """Make a task that is half done and one that is done, so many times."""
    over = {"list": [1, {"$base64": "AA=="}]}
    made = [
        [(await manager.create(public=True))["id"], (await manager.create(payloads=over, public=True))["id"]]
        for _ in range(count)
    ]
    peer, missing = manager.peer("d1"), {each for pair in made for each in pair}
    await peer.join()
    while missing:
        missing -= {block.task for block in (await peer.leased(1_000)).blocks}
    for half, whole in made:
        await peer.deliver(half, [1, 2, 3], f"{half}-1")
        await peer.deliver(whole, [0, 1], f"{whole}-1")
        assert (await manager.call("GET", f"/api/tasks/{whole}"))["state"] == "done"
    return made


@pytest.mark.timeout(TIMEOUT_S + 60)
async def test_no_call_breaks_the_manager_and_every_answer_is_as_described(tmp_path: Path) -> None:
    st = program()
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    async with serve(tmp_path / "data") as manager:
        told = await manager.call("GET", "/api/openapi.json")
        (tmp_path / "told.json").write_text(json.dumps(await with_real_things(manager, told)))
        token = (tmp_path / "data" / "admin.token").read_text().strip()
        command = [
            *(st, "run", str(tmp_path / "told.json"), "--url", manager.url, "-H", f"Authorization: Bearer {token}"),
            *("--phases", "examples,coverage,fuzzing,stateful", "-n", str(EXAMPLES), "--seed", str(SEED)),
            *("--generation-database", "none", "--no-shrink", "--no-color", "--continue-on-failure"),
            *("--exclude-checks", NOT_ASKED, "--request-timeout", "20"),
        ]
        running = await asyncio.create_subprocess_exec(
            *command,
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(tmp_path / "hooks.py"), "PYTHONPATH": ""},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                said, _ = await running.communicate()
        finally:
            if running.returncode is None:
                running.kill()
                await running.wait()
        assert running.returncode == 0, said.decode(errors="replace")[-20_000:]
        assert f"Selected: {sum(map(len, told['paths'].values()))}" in said.decode()
        await manager.call("GET", "/readyz")  # it serves on
        assert (await manager.create())["state"] == "queued"
