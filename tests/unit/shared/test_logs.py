"""Log lines as another program would read them."""

import json
import subprocess
import sys

import pytest

from disio_shared.errors import ConfigError
from disio_shared.logs import LineBudget, set_up_logs

PROGRAM = """
import logging, sys
from disio_shared.logs import logger, set_up_logs
set_up_logs("info", {json})
logger("manager.link").info("joined", distributor="d1", text="x" * 9000)
logger("manager.link").debug("hidden")
logging.getLogger("some.library").warning("from %s", "afar")
try:
    1 / 0
except ZeroDivisionError:
    logger("manager").exception("broke")
"""


SOCKETS = """
import socketio
from disio_shared.logs import set_up_logs
set_up_logs("info", True)
for end in (socketio.AsyncServer(async_mode="aiohttp"), socketio.AsyncClient()):
    end.logger.warning("a server closed, as servers do")
    end.eio.logger.warning("a server closed, as servers do")
    end.logger.error("of Socket.IO")
    end.eio.logger.error("of Engine.IO")
"""


def run(json_mode: object) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(json=json_mode)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("mode", [True, None])
def test_off_a_terminal_every_line_is_one_json_object_on_stderr(mode: bool | None) -> None:
    done = run(mode)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert [line["event"] for line in lines] == ["joined", "from afar", "broke"]
    assert (lines[0]["distributor"], lines[0]["level"], lines[0]["logger"]) == ("d1", "info", "manager.link")
    assert len(lines[0]["text"]) < 5000
    assert "ZeroDivisionError" in lines[2]["exception"]


def test_errors_of_socket_io_come_once_and_nothing_else_of_it() -> None:
    done = subprocess.run([sys.executable, "-c", SOCKETS], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["of Socket.IO", "of Engine.IO"] * 2


def test_for_people_lines_are_text() -> None:
    done = run(False)
    assert "joined" in done.stderr and "ZeroDivisionError" in done.stderr
    assert not done.stderr.startswith("{")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="loud"):
        set_up_logs("loud")


def test_lines_that_peers_cause_are_bounded_and_the_rest_is_counted() -> None:
    budget = LineBudget(lines=2, period_s=10)
    assert [budget.take(now) for now in (0, 1, 2, 3, 11, 12, 13)] == [0, 0, None, None, 2, 0, None]
