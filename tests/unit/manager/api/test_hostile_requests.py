"""Requests that mean harm, or nothing: each is answered with 4xx and the place, and the manager serves on."""

import asyncio
import io
import json
from typing import Any

import pytest

from tests.unit.manager.served import JAVASCRIPT, Served, document
from tests.waiting import patient

DEPTH = 100_000
SURROGATE = '"\\ud800"'


def written(**changes: Any) -> bytes:
    """Return a document as JSON; values that are bytes are put in as they are."""
    raw = {name: value for name, value in changes.items() if isinstance(value, bytes)}
    text = json.dumps(document(**(changes | dict.fromkeys(raw, 0)))).encode()
    for name, value in raw.items():
        text = text.replace(b'"%s": 0' % name.encode(), b'"%s": %s' % (name.encode(), value))
    return text


def deep(begin: str, end: str) -> bytes:
    return (begin * DEPTH + "1" + end * DEPTH).encode()


DOCUMENTS: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 422, ""),
    ("no object", b"[]", 422, ""),
    ("null", b"null", 422, ""),
    ("half of one", written()[:-5], 422, ""),
    ("two", written() * 2, 422, ""),
    ("no text", b"\xff\xfe\x00", 422, ""),
    ("another encoding", json.dumps(document()).encode("utf-16"), 422, ""),
    ("an unknown field", written(colour="red"), 422, "colour"),
    ("an unknown field inside", written(policy={"speed": 1}), 422, "policy.speed"),
    ("a wrong type", written(tags="math"), 422, "tags"),
    ("a wrong type inside", written(policy={"priority": "1"}), 422, "policy.priority"),
    ("true for a number", written(policy={"priority": True}), 422, "policy.priority"),
    ("NaN", written(policy=b'{"weight": NaN}'), 422, ""),
    ("Infinity", written(policy=b'{"weight": Infinity}'), 422, ""),
    ("a number that is infinite", written(policy=b'{"weight": 1e999}'), 422, ""),
    ("a huge integer", written(policy={"priority": 10**30}), 422, "policy.priority"),
    ("a huge integer in payloads", written(payloads=b'{"range": [0, %d]}' % 10**30), 422, "payloads.range"),
    ("a lone surrogate", written(name=SURROGATE.encode()), 422, ""),
    ("a lone surrogate in a payload", written(payloads=b'{"list": [%s]}' % SURROGATE.encode()), 422, ""),
    ("deep nesting", deep("[", "]"), 422, ""),
    ("deep payloads", written(payloads=b'{"list": ' + deep("[", "]") + b"}"), 422, ""),
    ("deep objects", written(payloads=b'{"list": [' + deep('{"a":', "}") + b"]}"), 422, ""),
    ("millions of parts", b"[" * 7_000_000, 413, ""),
    ("over the limit", b'{"name": "' + b"x" * (64 << 20) + b'"}', 413, ""),
    ("a zero byte", written(name="a\0b"), 422, "name"),
    ("a name of many lines", written(name="a\nb"), 422, "name"),
    ("too many tags", written(tags=["t"] * 33), 422, "tags"),
    ("code that is no text", written(workunit={"language": "javascript", "source_base64": "/w=="}), 422, "workunit"),
    ("base64 that is none", written(workunit={"language": "javascript", "source_base64": "***"}), 422, "workunit"),
    ("code without a language", written(workunit={"source": JAVASCRIPT}), 422, "workunit.language"),
    ("too many payloads", written(payloads={"range": [0, 10**13]}), 422, "payloads"),
    ("a path in place of a hash", written(payloads={"blob": "../../etc/passwd", "format": "files"}), 422, "payloads"),
]


@pytest.mark.parametrize(
    ("body", "status", "path"), [each[1:] for each in DOCUMENTS], ids=[each[0] for each in DOCUMENTS]
)
async def test_documents_are_refused_at_their_place(manager: Served, body: bytes, status: int, path: str) -> None:
    json_type = {"Content-Type": "application/json"}
    problem = await manager.call("POST", "/api/tasks", status, data=io.BytesIO(body), headers=json_type)
    assert problem["errors"], problem
    assert problem["errors"][0]["path"].startswith(path) and problem["errors"][0]["message"], problem
    assert (await manager.call("GET", "/api/tasks"))["total"] == 0
    await manager.create()  # it serves on


PATCHES: list[tuple[str, bytes, str]] = [
    ("no object", b"[]", ""),
    ("an unknown field", b'{"state": "done"}', "state"),
    ("a field that cannot be changed", b'{"policy": {"redundancy": 3}}', "policy.redundancy"),
    ("a huge integer", b'{"policy": {"priority": %d}}' % 10**30, "policy.priority"),
    ("a huge integer, flat", b'{"priority": %d}' % 10**30, "policy.priority"),
    ("an integer that is no float", b'{"weight": %d}' % 10**400, "policy.weight"),
    ("NaN", b'{"weight": NaN}', ""),
    ("a million tags", b'{"tags": [' + b'"a",' * 200_000 + b'"a"]}', "tags"),
    ("a lone surrogate", b'{"name": "\\udfff"}', ""),
    ("deep nesting", b'{"policy": ' + deep('{"a":', "}") + b"}", ""),
    ("a policy that is none", b'{"policy": 1}', "policy"),
]


@pytest.mark.parametrize(("body", "path"), [each[1:] for each in PATCHES], ids=[each[0] for each in PATCHES])
async def test_edits_are_refused_at_their_place(manager: Served, body: bytes, path: str) -> None:
    task = await manager.create()
    json_type = {"Content-Type": "application/json"}
    problem = await manager.call("PATCH", f"/api/tasks/{task['id']}", 422, data=io.BytesIO(body), headers=json_type)
    assert problem["errors"][0]["path"] == path and problem["errors"][0]["message"], problem
    assert await manager.call("GET", f"/api/tasks/{task['id']}") == task
    await manager.create()


async def test_keys_that_come_twice_count_once(manager: Served) -> None:
    body = written(name="first")[:-1] + b', "name": "second"}'
    task = await manager.call("POST", "/api/tasks", 201, data=body, headers={"Content-Type": "application/json"})
    assert task["name"] == "second"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/tasks?q=\xff\xfe HTTP/1.1\r\n",
        b"GET /api/tasks?q=%ED%A0%80&state=%00 HTTP/1.1\r\n",
        b"GET /api/tasks/%ED%A0%80 HTTP/1.1\r\n",
        b"GET /api/tasks/\xff HTTP/1.1\r\n",
        b"GET /api/tasks/%00 HTTP/1.1\r\n",
        b"GET /api/tasks/..%2f..%2fadmin.token HTTP/1.1\r\n",
        b"GET /api/tasks/x/payloads/9999999999999999999 HTTP/1.1\r\n",
        b"GET /api/tasks?cursor=" + b"9" * 30 + b" HTTP/1.1\r\n",
        b"GET /api/tasks?cursor=" + b"9" * 5_000 + b" HTTP/1.1\r\n",
        b"GET /api/tasks/x/results?from=" + b"9" * 30 + b" HTTP/1.1\r\n",
        b'GET /api/tasks/x HTTP/1.1\r\nIf-None-Match: \xff"\r\n',
        b"GET /api/workunits/" + b"0" * 64 + b' HTTP/1.1\r\nIf-None-Match: ,,"\r\n',
        b"POST /api/tasks HTTP/1.1\r\nIdempotency-Key: \xff\r\nContent-Type: application/json\r\nContent-Length: 0\r\n",
        b"POST /api/tasks HTTP/1.1\r\nContent-Type: application/\xff\r\nContent-Length: 0\r\n",
        b"POST /api/tasks HTTP/1.1\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n",
        b"POST /api/tasks/x/pause HTTP/1.1\r\nContent-Length: -1\r\n",
        b"BREW /api/tasks HTTP/1.1\r\n",
        b"GET /api/tasks?q=" + b"%F4" * 10_000 + b" HTTP/1.1\r\n",
        b"GET /api/tasks?q=" + b"x" * 100_000 + b" HTTP/1.1\r\n",
    ],
)
async def test_heads_of_any_bytes_are_answered(manager: Served, head: bytes) -> None:
    token = (manager.app.data.path / "admin.token").read_bytes().strip()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(manager.url.rsplit(":", 1)[1]))
    try:
        writer.write(head + b"Host: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n" % token)
        async with asyncio.timeout(patient(20)):
            answer = await reader.read()
    finally:
        writer.close()
    status = int(answer.split()[1])
    assert 400 <= status < 500 or (status == 200 and b"?q=\xff" in head), answer[:500]
    await manager.call("GET", "/readyz")
