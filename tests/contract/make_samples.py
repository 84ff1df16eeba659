"""Writes the golden samples: one JSON and one MessagePack file for every message of the four unions.

Rule: run it by hand when the protocol changes on purpose (``python tests/contract/make_samples.py``) and commit what it
writes; the tests compare code with the committed files and never write them. In JSON, bytes are ``{"$base64": ...}``.
"""

import base64
import json
import pathlib
import typing
from typing import Any

import msgspec

from disio_shared import messages as m

SAMPLES = pathlib.Path(__file__).parent / "samples"

UNIONS: dict[str, tuple[Any, Any]] = {
    "from_client": (m.FromClient, m.FROM_CLIENT),
    "to_client": (m.ToClient, m.TO_CLIENT),
    "from_distributor": (m.FromDistributor, m.FROM_DISTRIBUTOR),
    "to_distributor": (m.ToDistributor, m.TO_DISTRIBUTOR),
}
"""Name (also of the folder) to the union and its codec."""

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
REFUSED = m.Refused(code="full", reason="This distributor has all the clients it can take.", retry_after_s=30.0)
HELD = m.BlockRef(block="b-1", lease=2, manager="m-1")
TRIES = m.TryColumns(
    task="k-1",
    indexes=[0, 0],
    clients=["c-8", "c-9"],
    errors=["boom", "lost"],
    lost=[False, True],
    distributors=["", "d-2"],
    ended_at=[1_700_000_000.5, 0.0],
)
TERMS = m.Terms(output="json", clock="real", max_result_bytes=4096, max_log_bytes=512)
ERROR = m.Error(code="malformed", reason="unknown type \u201ehallo\u201c")

EXAMPLES: dict[str, list[m.Message]] = {
    "from_client": [
        m.Hello(
            version=1,
            kind="web",
            client_id="c-7",
            secret="s3cret",
            name="Zo\u00eb's laptop",
            languages=["javascript", "wasm", "python-native:k3ys"],
            cores=3,
            memory_mb=512,
            site="demo",
            origin="https://example.org",
            software="disio-web 0.1.0",
            prefers="k-9",
            holding=["t-1", "t-2"],
        ),
        m.Ready(slots=2, queued=40),
        m.Results(
            token="t-1",
            indexes=[0, 70_000, 2**40],
            values=[b'{"n":1e300}', b"\x00\x00\xff", b"-1.5"],
            seconds=[0.25, 0.0, 1e-6],
            logged=[70_000],
            logs=["a step\nanother \u2713"],
        ),
        m.Failed(
            token="t-1",
            indexes=[3],
            errors=["TypeError: no\n    at run (workunit.js:1:2)"],
            kinds=["error"],
            logged=[3],
            logs=["so far"],
        ),
        m.Checkpoint(token="t-1", index=9, state=b'{"at":[1,2,3]}'),
        m.Progress(token="t-1", indexes=[9, 10], fractions=[0.5, 1.0]),
        m.Release(tokens=["t-1", "t-2"], indexes=[[9, 10], []]),
    ],
    "to_client": [
        m.Welcome(
            version=1,
            client_id="c-7",
            secret="s3cret",
            distributor="north",
            heartbeat_s=5.0,
            max_result_bytes=8 << 20,
            max_state_bytes=1 << 20,
            siblings=["http://127.0.0.1:8711"],
        ),
        REFUSED,
        m.Redirect(url="https://south.example.org", reason="nearer to you"),
        m.Assign(
            token="t-1",
            task="k-1",
            task_name="pi hex digits",
            workunit=SHA,
            language="javascript",
            indexes=[4, 5],
            payloads=[b'{"n":4}', b"\x00raw"],
            states={5: b'{"at":1}'},
            unit_timeout_s=60.0,
            memory_mb=64,
            terms=TERMS,
        ),
        m.Cancel(task="k-1", tokens=["t-1", "t-2"], indexes=[[9, 2**40], []]),
        m.Idle(reason="No task needs a browser right now."),
        m.Pause(reason="The manager is being moved."),
        m.Resume(),
        m.Stored(accepted=3, dead=True),
        ERROR,
    ],
    "from_distributor": [
        m.Join(
            version=1,
            distributor="d-1",
            name="north",
            url="http://127.0.0.1:8710",
            region="eu",
            max_clients=1000,
            join_token="join",
            software="disio 0.1.0",
            speaks=["clients", "story"],
            held=[HELD],
        ),
        m.Ask(
            request=7,
            payloads=5000,
            languages=["javascript"],
            kinds=["web", "cli"],
            memory_mb=2048,
            tasks=["k-1"],
            only=["k-2"],
        ),
        m.Deliver(
            batch="x-1",
            results=[
                m.ResultColumns(
                    task="k-1",
                    indexes=[0, 1],
                    values=[b"1", b"\x00\x01"],
                    seconds=[0.1, 0.2],
                    clients=["c-7"],
                    by=[0, 0],
                )
            ],
            failures=[m.FailureColumns(task="k-1", indexes=[2], errors=[["first", "second"]])],
            since=1_700_000_000.0,
            tallies=[m.TaskTally(task="k-1", failed=2)],
            tries=[
                m.PastTries(
                    task="k-1",
                    indexes=[1, 1],
                    clients=["c-8", "c-7"],
                    distributors=["d-2", ""],
                    outcomes=["failed", "done"],
                    errors=["boom", ""],
                    logs=["", "a step"],
                    ended_at=[1_700_000_000.5, 1_700_000_060.0],
                )
            ],
            votes=[
                m.VoteColumns(
                    task="k-1",
                    indexes=[0, 2**40],
                    values=[b"1", b"\x00\x02"],
                    seconds=[0.3, 0.0],
                    clients=["c-8", "c-9"],
                    by=[1, 0],
                )
            ],
        ),
        m.Return(blocks=[HELD], tries=[TRIES]),
        m.FetchWorkunit(workunit=SHA),
        m.ClientRows(
            request=4,
            ids=["c-7", "c-8"],
            kinds=["web", "cli"],
            slots=[3, 64],
            languages=[["javascript", "wasm"], ["javascript", "python"]],
            sites=["demo", ""],
            software=["disio-web 0.1.0", "disio 0.1.0"],
            ages_s=[0.25, 86_400.0],
            busy=[0, 2000],
            is_end=False,
            total=2,
            platforms=["Firefox, Linux", ""],
            units=[70_000, 0],
            failures=[0, 3],
            rates=[2.5, 0.0],
        ),
        m.Story(
            request=5,
            clients=["c-7", "c-8"],
            outcomes=["failed", "has it"],
            errors=["TypeError: no", ""],
            ages_s=[-1.0, 0.5],
            saved_bytes=70_000,
        ),
        m.Sites(
            rows=[
                m.SiteDay(
                    site="https://example.org",
                    day=20_000,
                    version=7,
                    name="demo",
                    opened=10,
                    granted=4,
                    declined=3,
                    revoked=1,
                    visits=3,
                    visit_seconds=90.5,
                    lengths=[0, 2, 1],
                    units=70_000,
                    unit_seconds=12.25,
                )
            ],
            active={"https://example.org": 1},
            loader="/client-0123456789abcdef.js",
            integrity="sha384-abc",
        ),
        m.Status(
            clients=3,
            slots=8,
            kinds={"web": 2, "cli": 1},
            rate=12.5,
            outbox=4,
            held=[HELD],
            paused=["k-1"],
            durability="The cache at redis://127.0.0.1 writes to disk once a second only.",
            space=0.85,
            turned_away=7,
            since=1_700_000_000.5,
            tallies=[m.TaskTally(task="k-1", lost=3, failed=2, copies=1)],
        ),
        m.Packed(size=70_000, data=b"x\x9c\x00\xff"),
    ],
    "to_distributor": [
        m.Admitted(
            version=1,
            cluster="home",
            manager="m-1",
            status_s=5.0,
            lease_s=60.0,
            revoked=[m.BlockRef(block="b-0", lease=1, manager="m-2")],
            siblings=["http://127.0.0.1:8711"],
            managers=["http://127.0.0.1:8701", "http://127.0.0.1:8702"],
            hears=["sites"],
            token_key=bytes(range(32)),
        ),
        REFUSED,
        m.Grant(
            request=7,
            tasks=[
                m.TaskManifest(
                    task="k-1",
                    name="pi hex digits",
                    workunit=SHA,
                    language="javascript",
                    payloads=b'{"range":[0,1000]}',
                    priority=2,
                    weight=1.5,
                    unit_timeout_s=30.0,
                    max_failures=4,
                    memory_mb=64,
                    terms=TERMS,
                    kinds=["web"],
                    when_exhausted="wait",
                    max_redundancy=7,
                    max_lost=9,
                )
            ],
            blocks=[
                m.BlockGrant(
                    block="b-1",
                    lease=2,
                    task="k-1",
                    start=0,
                    stop=3,
                    done=[(1, 2)],
                    payloads=[b"0", b"1", b"2"],
                    tries=TRIES,
                )
            ],
            waiting="",
        ),
        m.Committed(batch="x-1"),
        m.WorkunitCode(workunit=SHA, language="javascript", code=b"export default (n) => n"),
        m.TaskState(task="k-1", state="paused"),
        m.Revoke(blocks=[HELD]),
        m.Drain(reason="maintenance"),
        m.Siblings(urls=["http://127.0.0.1:8711", "http://127.0.0.1:8712"]),
        m.Managers(urls=["http://127.0.0.1:8701", "http://127.0.0.1:8702"]),
        m.Adopted(blocks=[HELD]),
        m.Offer(tasks=["k-1", "k-2"]),
        m.ListClients(request=4, after="c-6", limit=1000, kind="web", state="busy", text="demo"),
        m.FetchStory(request=5, task="k-1", index=2**40),
        m.Orders(
            version=1_790_000_000_000,
            drained=True,
            paused=True,
            stopped=True,
            tasks=["k-1"],
            max_clients=500,
            max_slots=1000,
            reason="The room is used for an exam.",
            blocked=["c-9"],
        ),
        ERROR,
    ],
}
"""Union name to one message of each of its types, every field away from its default."""


def type_of(message: m.Message) -> str:
    """Return the tag a message has on the wire."""
    return type(message).__name__.lower()


def types_in(union: Any) -> set[str]:
    """Return the tags of all members of a union."""
    return {member.__name__.lower() for member in typing.get_args(union)}


def readable(message: m.Message) -> dict[str, Any]:
    """Return the message as JSON values; bytes become ``{"$base64": ...}``, whole maps keep text keys."""
    plain = msgspec.to_builtins(message, builtin_types=(bytes,), str_keys=True)
    shown = _show(plain)
    assert isinstance(shown, dict)
    return shown


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _show(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_show(item) for item in value]
    return value


def main() -> None:
    """Write every sample."""
    for name, examples in EXAMPLES.items():
        folder = SAMPLES / name
        folder.mkdir(parents=True, exist_ok=True)
        for message in examples:
            text = json.dumps(readable(message), indent=2, ensure_ascii=False) + "\n"
            (folder / f"{type_of(message)}.json").write_text(text, encoding="utf-8")
            (folder / f"{type_of(message)}.msgpack").write_bytes(UNIONS[name][1].encode(message))


if __name__ == "__main__":
    main()
