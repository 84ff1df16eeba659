"""Ctrl-C while a command is still being imported: it ends without a word, whatever it was importing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import patient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

HOLD = """
import os, sys

class Hold:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["HOLD_AT"]:
            os.write(int(os.environ["HOLD_TELL"]), b"here")
            os.read(int(os.environ["HOLD_UNTIL"]), 1)

sys.meta_path.insert(0, Hold())
"""
"""Runs before everything else: the import of one module tells that it begins, and waits."""
NOBODY = ("--distributor", "http://127.0.0.1:9")
COMMANDS = {
    ("disio", "--help"): ("disio_shared.starting", "signal", "disio.front", "disio.table"),
    ("disio", "frobnicate"): ("disio.cli", "disio.clicking", "rich_click", "click", "disio_shared.errors"),
    ("disio", "submit", "unit.js"): ("disio.commands.submit", "disio.commands.submitting", "aiohttp"),
    ("disio", "up"): ("disio.commands.up", "disio.commands.serving", "disio.platform"),
    ("disio", "test", "unit.js", "--payload", "1"): ("disio.commands.test", "disio_client.runner"),
    ("disio", "explain", "t-1"): ("disio.commands.explain", "disio.rest"),
    ("disio", "manager", "start"): ("disio_manager.cli", "disio_manager.running", "zmq"),
    ("disio", "distributor", "start"): ("disio_distributor.cli", "socketio"),
    ("disio", "client", "start", *NOBODY): ("disio_client.cli", "disio_client.settings", "disio_client.app", "psutil"),
    ("disio_client", *NOBODY): ("disio_shared.starting", "disio_client.cli", "asyncio", "disio_client.app", "aiohttp"),
}


@pytest.mark.parametrize(
    ("words", "module"),
    [(words, module) for words, modules in COMMANDS.items() for module in modules],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[:2]),
)
def test_ctrl_c_while_it_is_imported_ends_a_command_quietly(
    words: tuple[str, ...], module: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HOLD)
    (tmp_path / "unit.js").write_text("export default () => 1")
    (heard, tell), (until, go_on) = os.pipe(), os.pipe()
    path = ":".join([str(tmp_path), *filter(None, sys.path)])
    told = {"HOLD_AT": module, "HOLD_TELL": str(tell), "HOLD_UNTIL": str(until), "PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        env={**os.environ, **told},
        cwd=tmp_path,
        pass_fds=(tell, until),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(tell)
    os.close(until)
    with process:
        try:
            assert os.read(heard, 4) == b"here", (
                f"{module} was not imported: {process.communicate(timeout=patient(30))}"
            )
            process.send_signal(signal.SIGINT)
            os.close(go_on)
            out, err = process.communicate(timeout=patient(30))
        finally:
            process.kill()
            os.close(heard)
    assert (process.returncode, out, err) == (130, "", "")
