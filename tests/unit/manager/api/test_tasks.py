"""Tasks over REST, against a real manager."""

import asyncio
import io
from typing import Any

import pytest

from disio_shared import messages
from tests.unit.manager.served import Served, document


async def test_a_created_task_is_shown_listed_and_found_again(manager: Served) -> None:
    async with manager.http.post(f"{manager.url}/api/tasks", json=document()) as answer:
        task = await answer.json()
        assert (answer.status, answer.headers["Location"]) == (201, f"/api/tasks/{task['id']}")
    assert task["state"] == "queued" and task["number"] == 1
    assert (task["total"], task["done"], task["failed"], task["leased"]) == (10, 0, 0, 0)
    assert task["workunit"].keys() == {"language", "sha256", "bytes", "runtime", "output", "clock"}
    assert task["payloads"] == {"range": [0, 10]}
    assert await manager.call("GET", f"/api/tasks/{task['id']}") == task
    page = await manager.call("GET", "/api/tasks?state=queued&q=squ&limit=5")
    del task["payloads"], task["invalid"], task["untold"]
    assert page == {"items": [task], "next_cursor": None, "total": 1}
    assert (await manager.call("GET", "/api/tasks?q=none"))["items"] == []


async def test_lists_come_in_pages_newest_first(manager: Served) -> None:
    names = [(await manager.create(name=f"t{number}"))["name"] for number in range(5)]
    seen, cursor = [], ""
    while True:
        page = await manager.call("GET", f"/api/tasks?limit=2&cursor={cursor}")
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == names[::-1]


async def test_verbs_change_the_state_and_illegal_ones_are_refused(manager: Served) -> None:
    task = await manager.create()
    path = f"/api/tasks/{task['id']}"
    assert (await manager.call("POST", f"{path}/pause"))["state"] == "paused"
    assert (await manager.call("POST", f"{path}/resume"))["state"] == "queued"
    assert (await manager.call("POST", f"{path}/cancel"))["state"] == "cancelled"
    problem = await manager.call("POST", f"{path}/resume", 409)
    assert problem["code"] == "illegal-verb" and "cancelled" in problem["detail"]
    assert (await manager.call("GET", path))["finished_at"] is not None
    assert "cancelled" in (await manager.call("GET", f"{path}/explain"))["sentences"][0]
    await manager.call("DELETE", path, 204)
    await manager.call("GET", path, 404)
    await manager.call("DELETE", path, 404)


async def test_a_task_can_be_edited_and_cloned(manager: Served) -> None:
    task = await manager.create()
    path = f"/api/tasks/{task['id']}"
    edited = await manager.call("PATCH", path, json={"name": "new", "policy": {"priority": 7}})
    assert (edited["name"], edited["policy"]["priority"]) == ("new", 7)
    problem = await manager.call("PATCH", path, 422, json={"workunit": {}})
    assert problem["errors"][0]["path"] == "workunit"
    clone = await manager.call("POST", f"{path}/clone", 201)
    assert clone["id"] != task["id"] and clone["number"] == 2
    assert (clone["name"], clone["payloads"], clone["workunit"]) == ("new", task["payloads"], task["workunit"])


EDITS = [
    ({"policy": {"priority": 10**30}}, "policy.priority"),
    ({"priority": -1001}, "policy.priority"),
    ({"policy": {"weight": 0}}, "policy.weight"),
    ({"policy": {"max_task_failures": 10**30}}, "policy.max_task_failures"),
    ({"policy": {"max_task_failures": 0}}, "policy.max_task_failures"),
    ({"policy": {"deadline": -1}}, "policy.deadline"),
    ({"policy": {"deadline": 10**400}}, "policy.deadline"),
    ({"policy": {"priority": "high"}}, "policy.priority"),
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"tags": ["t"] * 33}, "tags"),
    ({"tags": 3}, "tags"),
]


@pytest.mark.parametrize(("changes", "path"), EDITS)
async def test_an_edit_is_checked_like_a_new_task_and_the_manager_serves_on(
    manager: Served, changes: dict[str, Any], path: str
) -> None:
    task = await manager.create()
    problem = await manager.call("PATCH", f"/api/tasks/{task['id']}", 422, json=changes)
    assert [each["path"] for each in problem["errors"]] == [path]
    assert await manager.call("GET", f"/api/tasks/{task['id']}") == task


async def test_a_task_with_numbers_that_no_store_keeps_is_refused(manager: Served) -> None:
    body = document(policy={"max_task_failures": 10**30, "deadline": 1e300})
    problem = await manager.call("POST", "/api/tasks", 422, json=body)
    assert {each["path"] for each in problem["errors"]} == {"policy.max_task_failures", "policy.deadline"}


@pytest.mark.parametrize("cursor", ["9" * 30, "-1", "x", "9" * 16])
async def test_a_cursor_that_is_none_is_refused(manager: Served, cursor: str) -> None:
    problem = await manager.call("GET", f"/api/tasks?cursor={cursor}", 400)
    assert problem["errors"][0]["path"] == "cursor"


async def test_how_a_unit_runs_is_kept_shown_cloned_and_part_of_what_a_repeat_must_be(manager: Served) -> None:
    def body(**more: str) -> dict[str, Any]:
        unit = {"language": "wasm", "source_base64": "AGFzbQEAAAA=", "output": "json", "clock": "real"} | more
        return document(workunit=unit, policy={"max_result_bytes": 99, "max_log_bytes": 0})

    headers = {"Idempotency-Key": "wasm"}
    task = await manager.call("POST", "/api/tasks", 201, json=body(), headers=headers)
    assert task["workunit"] | {"sha256": ""} == {
        "language": "wasm", "sha256": "", "bytes": 8, "runtime": "sandbox", "output": "json", "clock": "real",
    }  # fmt: skip
    copy = await manager.call("POST", f"/api/tasks/{task['id']}/clone", 201)
    assert (copy["workunit"], copy["policy"]) == (task["workunit"], task["policy"])
    peer = manager.peer()
    await peer.join()
    await peer.say(messages.Ask(request=1, payloads=20, languages=["wasm"], kinds=["cli"]))
    manifests = (await peer.hear(messages.Grant)).tasks
    assert {each.task for each in manifests} == {task["id"], copy["id"]}
    assert [each.terms for each in manifests] == [
        messages.Terms(output="json", clock="real", max_result_bytes=99, max_log_bytes=0)
    ] * 2
    again = await manager.call("POST", "/api/tasks", 201, json=body(), headers=headers)
    assert again["id"] == task["id"]
    for other in ({"output": "text"}, {"clock": "fixed"}):
        await manager.call("POST", "/api/tasks", 422, json=body(**other), headers=headers)


async def test_a_repeated_idempotency_key_finds_the_same_task_and_refuses_another_document(manager: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    both = await asyncio.gather(
        *(manager.call("POST", "/api/tasks", 201, json=document(), headers=headers) for _ in range(2))
    )
    assert both[0] == both[1]
    assert (await manager.call("GET", "/api/tasks"))["total"] == 1
    problem = await manager.call("POST", "/api/tasks", 422, json=document(name="x"), headers=headers)
    assert problem["errors"][0]["path"] == "Idempotency-Key"
    other = await manager.call("POST", "/api/tasks", 201, json=document(), headers={"Idempotency-Key": "k2"})
    assert other["id"] != both[0]["id"]
    too_long = await manager.call("POST", "/api/tasks", 400, json=document(), headers={"Idempotency-Key": "k" * 300})
    assert too_long["errors"][0]["path"] == "Idempotency-Key"
    odd = await manager.call("POST", "/api/tasks", 400, json=document(), headers={"Idempotency-Key": "k\u00ff"})
    assert odd["errors"][0]["path"] == "Idempotency-Key"


async def test_a_repeat_that_comes_after_the_delete_makes_no_second_task(manager: Served) -> None:
    headers = {"Idempotency-Key": "k1"}
    made = await manager.call("POST", "/api/tasks", 201, json=document(), headers=headers)
    await manager.call("DELETE", f"/api/tasks/{made['id']}", 204)
    problem = await manager.call("POST", "/api/tasks", 422, json=document(), headers=headers)
    assert problem["errors"][0]["message"].startswith("made a task that is deleted")
    assert (await manager.call("GET", "/api/tasks"))["total"] == 0


async def failed_task(manager: Served) -> str:
    """Return a task of ten payloads that is closed, one of them quarantined."""
    task, peer = await manager.create(), manager.peer()
    await peer.join()
    await peer.leased(10)
    await peer.deliver(task["id"], list(range(9)))
    columns = messages.FailureColumns(task=task["id"], indexes=[9], errors=[["bad"]])
    await peer.say(messages.Deliver(batch="b2", failures=[columns]))
    await peer.hear(messages.Committed)
    assert (await manager.call("GET", f"/api/tasks/{task['id']}"))["state"] == "failed"
    return str(task["id"])


async def test_a_verb_or_edit_that_read_a_closed_task_before_its_delete_does_not_bring_it_back(manager: Served) -> None:
    task = await failed_task(manager)
    path = f"/api/tasks/{task}"
    calls = [("POST", f"{path}/retry", None), ("PATCH", path, {"name": "new"}), ("DELETE", path, None)] * 4

    async def status(method: str, url: str, body: dict[str, Any] | None) -> int:
        async with manager.http.request(method, manager.url + url, json=body) as answer:
            return answer.status

    # The task is closed, so each of them reads it from the database; the first DELETE that gets its turn ends it.
    statuses = await asyncio.gather(*(status("DELETE", path, None), *(status(*one) for one in calls)))
    assert statuses.count(204) == 1 and set(statuses) <= {200, 204, 404, 409}, statuses
    await manager.call("GET", path, 404)
    stats = await manager.call("GET", "/api/stats")
    assert not any(stats["tasks"].values()), stats


async def test_a_billion_payloads_cost_nothing(manager: Served) -> None:
    task = await manager.create(payloads={"grid": {"a": {"range": [0, 1_000_000]}, "b": "1-1000"}})
    assert task["total"] == 10**9


BAD_DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"workunit": {"language": "cobol", "source": "x"}}, "workunit.language"),
    ({"workunit": {"language": "javascript", "source": "export default (p) => { return p.n"}}, "workunit.source"),
    ({"workunit": {"language": "javascript"}}, "workunit"),
    ({"workunit": {"language": "javascript", "source": " "}}, "workunit.source"),
    ({"workunit": {"language": "python", "source": "def run(:"}}, "workunit.source"),
    ({"workunit": {"language": "python", "source": "x = 1"}}, "workunit.source"),
    ({"workunit": {"language": "wasm", "source_base64": "AAAA"}}, "workunit.source_base64"),
    ({"workunit": {"language": "javascript", "sha256": "0" * 64}}, "workunit.sha256"),
    ({"workunit": {"language": "javascript", "sha256": "zz"}}, "workunit.sha256"),
    ({"payloads": {}}, "payloads"),
    ({"payloads": {"range": [0, "x"]}}, "payloads.range"),
    ({"payloads": {"range": [5, 5]}}, "payloads.range"),
    ({"payloads": {"grid": {"n": []}}}, "payloads.grid.n"),
    ({"payloads": {"list": []}}, "payloads.list"),
    ({"policy": {"max_failures": 0}}, "policy.max_failures"),
    ({"policy": {"prority": 1}}, "policy.prority"),
    ({"policy": {"priority": "high"}}, "policy.priority"),
    ({"name": ""}, "name"),
    ({"unknown": 1}, "unknown"),
]


@pytest.mark.parametrize(("changes", "path"), BAD_DOCUMENTS)
async def test_a_wrong_document_is_refused_at_its_field(manager: Served, changes: dict[str, Any], path: str) -> None:
    problem = await manager.call("POST", "/api/tasks", 422, json=document(**changes))
    assert problem["errors"][0]["path"] == path
    assert problem.keys() == {"type", "title", "status", "detail", "code", "errors", "request_id"}
    assert (await manager.call("GET", "/api/tasks"))["total"] == 0


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"\xff", "application/json", 422),
        (b"[" + b"[]," * 7_000_000, "application/json", 413),
        (b"x" * ((64 << 20) + 1), "application/json", 413),
        (b"{}", "text/plain", 415),
    ],
)
async def test_a_wrong_body_is_refused_with_a_problem(
    manager: Served, body: bytes, content_type: str, status: int
) -> None:
    problem = await manager.call(
        "POST", "/api/tasks", status, data=io.BytesIO(body), headers={"Content-Type": content_type}
    )
    assert problem["status"] == status and problem["errors"]


async def test_a_compressed_body_and_a_chunked_oversize_one_are_refused(manager: Served) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await manager.call("POST", "/api/tasks", 415, data=b"x", headers=headers))["code"] == "media-type"

    async def endless() -> Any:
        for _ in range(3):
            yield b" " * (1 << 20)

    headers = {"Content-Type": "application/json"}
    task = await manager.create()
    problem = await manager.call("PATCH", f"/api/tasks/{task['id']}", 413, data=endless(), headers=headers)
    assert problem["code"] == "oversize"


async def test_unknown_paths_methods_and_parameters_are_problems(manager: Served) -> None:
    assert (await manager.call("GET", "/api/nothing", 404))["code"] == "not-found"
    assert (await manager.call("PUT", "/api/tasks", 405))["code"] == "method"
    assert (await manager.call("GET", "/api/tasks?sate=done", 400))["errors"][0]["path"] == "sate"
    assert (await manager.call("GET", "/api/tasks?state=gone", 400))["errors"][0]["path"] == "state"
    assert (await manager.call("GET", "/api/tasks?limit=-1", 400))["errors"][0]["path"] == "limit"
    assert (await manager.call("GET", "/api/tasks/none", 404))["detail"] == "no task none"


BARE = [
    ("POST", "/api/tasks"), ("GET", "/api/tasks/none"), ("PATCH", "/api/tasks/none"), ("DELETE", "/api/tasks/none"),
    ("POST", "/api/tasks/none/pause"), ("POST", "/api/tasks/none/clone"), ("GET", "/api/tasks/none/payloads/0"),
    ("GET", "/api/tasks/none/explain"), ("POST", "/api/payloads/preview"), ("GET", f"/api/workunits/{'0' * 64}"),
    ("PUT", f"/api/blobs/{'0' * 64}"), ("GET", f"/api/blobs/{'0' * 64}"), ("GET", "/api/distributors"),
    ("POST", "/api/distributors/none/drain"), ("GET", "/api/managers"), ("GET", "/api/stats"), ("GET", "/api/events"),
    ("GET", "/api/me"), ("GET", "/api/link"),
]  # fmt: skip


async def test_no_call_passes_over_a_parameter_it_does_not_know(manager: Served) -> None:
    for method, path in BARE:
        problem = await manager.call(method, f"{path}?dry_run=true", 400)
        assert [each["path"] for each in problem["errors"]] == ["dry_run"], path
    problem = await manager.call("GET", "/api/tasks?state=done&state=failed&order=x", 400)
    assert {each["path"] for each in problem["errors"]} == {"state", "order"}


async def test_a_page_of_no_tasks_is_refused(manager: Served) -> None:
    assert (await manager.call("GET", "/api/tasks?limit=0", 400))["errors"][0]["path"] == "limit"
    assert (await manager.call("GET", "/api/tasks?limit=501", 400))["errors"][0]["path"] == "limit"


@pytest.mark.parametrize(
    "target", [b"/api/tasks?q=\xff\xfe", b"/api/tasks/\xff", b"/api/tasks/%ff", b"/api/tasks?q=%ed%a0%80"]
)
async def test_bytes_that_are_no_text_in_an_address_are_no_trouble(manager: Served, target: bytes) -> None:
    token = manager.http.headers["Authorization"].encode()
    host, port = manager.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: " + token + b"\r\n\r\n"
    )
    status = int((await reader.read()).split(b" ", 2)[1])
    writer.close()
    assert status in (200, 400, 404)


async def test_payload_specs_can_be_looked_at_before(manager: Served) -> None:
    seen = await manager.call("POST", "/api/payloads/preview", json={"range": [0, 100]})
    assert seen == {"count": 100, "first": list(range(20)), "last": [97, 98, 99]}
    seen = await manager.call("POST", "/api/payloads/preview", json={"payloads": {"list": ["a", None]}})
    assert seen == {"count": 2, "first": ["a", None], "last": ["a", None]}
    problem = await manager.call("POST", "/api/payloads/preview", 422, json={"range": [0]})
    assert problem["errors"][0]["path"] == "payloads.range"


async def test_tasks_are_listed_by_their_numbers(manager: Served) -> None:
    for _ in range(5):
        await manager.create()

    async def numbers(text: str, more: str = "") -> list[int]:
        page = await manager.call("GET", f"/api/tasks?numbers={text}{more}")
        assert page["total"] == len(page["items"]) or page["next_cursor"]
        return [item["number"] for item in page["items"]]

    assert await numbers("2-3,5") == [5, 3, 2]
    assert await numbers("4") == [4]
    assert await numbers("1-3,2-4,3") == [4, 3, 2, 1]
    assert await numbers("7-999999999999999") == []
    assert await numbers("1-5", "&limit=2") == [5, 4]
    assert await numbers("1-5", "&limit=2&cursor=4") == [3, 2]
    assert await numbers("1-5", "&state=done") == []
    for text, told in (("3-", "numbers"), ("x", "numbers"), ("1,,2", "numbers"), ("8-3", "8-3 is no range")):
        problem = await manager.call("GET", f"/api/tasks?numbers={text}", 400)
        assert problem["errors"][0]["path"] == "numbers" and told in problem["detail"]


async def test_a_list_is_narrowed_and_sorted(manager: Served) -> None:
    first, second, third = [await manager.create(name=f"t{nth}") for nth in range(3)]
    await manager.call("POST", f"/api/tasks/{second['id']}/pause")
    await manager.call("POST", f"/api/tasks/{first['id']}/cancel")

    async def numbers(query: str) -> list[int]:
        return [task["number"] for task in (await manager.call("GET", f"/api/tasks?{query}"))["items"]]

    assert await numbers("state=paused,cancelled") == [2, 1]
    assert await numbers("sort=ended") == [1, 3, 2]
    assert await numbers("sort=progress&limit=2") == [3, 2]
    assert await numbers(f"created_from={third['created_at']}") == [3]
    assert await numbers(f"created_before={third['created_at']}") == [2, 1]
    assert await numbers("ended_from=1") == [1] and await numbers("failures=true") == []
    page = await manager.call("GET", "/api/tasks?sort=ended&limit=1")
    assert page["total"] == 3
    assert await numbers(f"sort=ended&cursor={page['next_cursor']}") == [3, 2]
    for wrong in ("sort=worst", "state=gone,done", "state=done,", "created_from=-1", "sort=ended&cursor=5"):
        await manager.call("GET", f"/api/tasks?{wrong}", 400)
