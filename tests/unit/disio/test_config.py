"""``disio config``, ``disio api`` and ``disio completion``."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio import shapes
from disio.commands.calling import path_of
from disio.toml_lines import toml_value, with_line
from tests.unit.disio.commands import disio, objects, status_of
from tests.unit.manager.served import serve
from tests.waiting import patient

FILE = """# ours
log_level = "debug"   # for all

[manager]
# the port
port = 8800  # not the usual one

[distributor]
max_clients = 5
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISIO_CONFIG", raising=False)
    return tmp_path


async def test_settings_are_shown_with_where_they_come_from(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = await disio("config", "show")
    assert (shown.exit_code, shown.stdout) == (0, "") and "at its default" in shown.stderr
    (here / "disio.toml").write_text(FILE)
    monkeypatch.setenv("DISIO_MANAGER_HOST", "0.0.0.0")
    shown = await disio("config", "show", "manager")
    assert shown.stdout.splitlines() == ["manager.host = 0.0.0.0", "manager.port = 8800", "manager.log_level = debug"]
    (found,) = objects(await disio("config", "show", "--json"), "config show")
    origins = {each["name"]: each["origin"] for each in found["settings"]}
    assert origins["manager.host"] == "environment DISIO_MANAGER_HOST"
    assert origins["distributor.max_clients"] == str(here / "disio.toml") and origins["manager.db"] == "default"
    assert {name.partition(".")[0] for name in origins} == {"manager", "distributor", "dashboard", "client"}
    assert (await disio("config", "get", "manager.port")).stdout == "8800\n"
    (found,) = objects(await disio("config", "get", "client.cores", "--json"), "config get")
    assert found["origin"] == "default"
    assert (await disio("config", "path")).stdout == f"{here / 'disio.toml'}\n"


async def test_a_setting_is_written_and_the_rest_of_the_file_stays(here: Path) -> None:
    (here / "disio.toml").write_text(FILE)
    for name, value in (
        ("manager.port", "9000"),
        ("manager.zeroconf", "false"),
        ("dashboard.port", "1"),
        ("manager.db", 'a"b'),
    ):
        shown = await disio("config", "set", name, value)
        assert shown.exit_code == 0, shown.exception
    text = (here / "disio.toml").read_text()
    assert tomllib.loads(text) == {
        "log_level": "debug",
        "manager": {"port": 9000, "zeroconf": False, "db": 'a"b'},
        "distributor": {"max_clients": 5},
        "dashboard": {"port": 1},
    }
    assert "# ours" in text and "port = 9000  # not the usual one" in text and "# for all" in text
    (found,) = objects(
        await disio("config", "set", "manager.zeroconf_interface", "127.0.0.1,127.0.0.2", "--json"), "config set"
    )
    assert found["value"] == '["127.0.0.1","127.0.0.2"]'
    assert (await disio("config", "get", "manager.zeroconf_interface")).stdout == '["127.0.0.1","127.0.0.2"]\n'


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("get", "port"), "port: is no setting (a name begins with manager, distributor, dashboard, client"),
        (("get", "manager.prot"), "did you mean manager.port?"),
        (("set", "manager.port", "many"), "manager.port: must be"),
        (("set", "manager.nothing", "1"), "manager.nothing: is no setting"),
    ],
)
async def test_what_is_no_setting_is_told_and_nothing_is_written(words: tuple[str, ...], told: str, here: Path) -> None:
    shown = await disio("config", *words)
    assert status_of(shown) == 2 and told in str(shown.exception), shown.exception
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("text", ["manager = {port = 1}\n", "[manager]\nport = [\n", '["manager"]\nport = 1\n'])
async def test_a_file_that_cannot_be_changed_line_by_line_is_left_alone(text: str, here: Path) -> None:
    (here / "disio.toml").write_text(text)
    shown = await disio("config", "set", "manager.port", "9000")
    assert status_of(shown) == 2
    assert (here / "disio.toml").read_text() == text


@given(
    st.one_of(st.booleans(), st.integers(-(2**62), 2**62), st.text(), st.lists(st.text())),
    st.sampled_from(["port", "new"]),
)
def test_every_value_that_is_written_reads_as_it_was_meant(value: object, name: str) -> None:
    after = with_line(FILE, "manager", name, toml_value(value))
    assert tomllib.loads(after) == tomllib.loads(FILE) | {"manager": {"port": 8800} | {name: value}}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tasks", "/api/tasks"),
        ("/tasks?limit=1", "/api/tasks?limit=1"),
        ("/api/tasks", "/api/tasks"),
        ("readyz", "/readyz"),
        ("/apiary", "/api/apiary"),
    ],
)
def test_api_may_be_left_out_of_a_path(text: str, path: str) -> None:
    assert path_of(text) == path


async def test_any_call_can_be_made_and_its_answer_comes_as_it_is(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        document = json.dumps(
            {"workunit": {"language": "javascript", "source": "export default () => 1"}, "payloads": {"range": [0, 2]}}
        )
        made = json.loads(
            (await disio("api", "POST", "tasks", "--data", document, "-H", "Idempotency-Key: k", data=tmp_path)).stdout
        )
        assert made["total"] == 2
        (tmp_path / "d.json").write_text(document)
        again = await disio(
            "api", "post", "/api/tasks", "--data", f"@{tmp_path / 'd.json'}", "-H", "Idempotency-Key: k", data=tmp_path
        )
        assert json.loads(again.stdout)["id"] == made["id"]
        shown = await disio("api", "PATCH", f"tasks/{made['id']}", "--data", "-", data=tmp_path, input='{"name": "x"}')
        assert json.loads(shown.stdout)["name"] == "x"
        assert json.loads((await disio("api", "GET", "readyz", data=tmp_path)).stdout) == {"status": "ready"}
        shown = await disio("api", "GET", "tasks/none", data=tmp_path)
        assert status_of(shown) == 3 and json.loads(shown.stdout)["status"] == 404 and "404 Not Found" in shown.stderr
        shown = await disio("api", "POST", "tasks", "--data", "{}", data=tmp_path)
        assert status_of(shown) == 1 and json.loads(shown.stdout)["errors"]
        assert status_of(await disio("api", "DELETE", f"tasks/{made['id']}", data=tmp_path)) == 0
        assert (await served.call("GET", "/api/tasks"))["total"] == 0
    assert status_of(await disio("api", "GET", "tasks", data=tmp_path)) == 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("GET",), "METHOD PATH: give both"),
        (("FETCH", "tasks"), "'FETCH' is none of GET"),
        (("GET", "tasks", "-H", "x"), "'x' is not NAME:VALUE"),
        (("POST", "tasks", "--data", "@/nowhere"), "--data: cannot be read"),
        (("--schema", "task lists"), "did you mean 'task list'?"),
    ],
)
async def test_a_call_that_cannot_be_made_is_a_usage_error(words: tuple[str, ...], told: str) -> None:
    shown = await disio("api", *words)
    assert status_of(shown) == 2 and told in str(shown.exception)


@pytest.mark.parametrize("command", list(shapes.SHAPES))
async def test_every_promise_has_its_schema(command: str) -> None:
    shown = await disio("api", "--schema", command)
    assert json.loads(shown.stdout) == shapes.schema(command)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_and_nothing_heavy_is_loaded(shell: str) -> None:
    program = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['disio', 'completion', '{shell}']\n"
        "from disio.cli import root\n"
        "root(prog_name='disio')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(60), check=True
    )
    assert "_DISIO_COMPLETE" in shown.stdout and shell in shown.stdout
    assert not set(json.loads(shown.stderr.splitlines()[-1])) & {"aiohttp", "zmq", "apsw", "rich.progress"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["task", "p"], {"pause"}),
        (["task", "show", "l"], {"last"}),
        (["results", "last", "--fo"], {"--format", "--follow"}),
        (["results", "last", "--format", "p"], {"parquet"}),
        (["submit", "u.js", "--ta"], {"--task", "--tag"}),
        (["task", "list", "--state", "qu"], {"queued"}),
        (["config", "s"], {"show", "set"}),
        (["completion", "f"], {"fish"}),
    ],
)
def test_words_inside_commands_are_completed_without_a_server_or_http(words: list[str], expected: set[str]) -> None:
    program = (
        "import sys, json, os, atexit\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"os.environ.update(_DISIO_COMPLETE='bash_complete', COMP_WORDS='disio {' '.join(words)}')\n"
        f"os.environ.update(COMP_CWORD='{len(words)}')\n"
        "sys.argv = ['disio']\n"
        "from disio.cli import root\n"
        "root(prog_name='disio')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=patient(60), check=True
    )
    assert {line.partition(",")[2] for line in shown.stdout.splitlines() if line} == expected
    loaded = set(json.loads(shown.stderr.splitlines()[-1]))
    assert not loaded & {"aiohttp", "zmq", "socketio", "apsw", "zeroconf", "rich.progress", "rich.live", "structlog"}
