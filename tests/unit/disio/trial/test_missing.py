"""What is not installed or not built is told in one line, with what to do."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from disio.cli import exit_status
from disio.commands.test import test as command
from disio.trial import serving
from disio.trial.serving import TrialServer
from disio.trial.trials import TrialFailed
from disio_client.engines import deno
from disio_shared.errors import DisioError


def test_without_the_engines_script_the_command_fails_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deno, "HOST_SCRIPT", tmp_path / "nowhere.mjs")
    (tmp_path / "unit.js").write_text("export default (x) => x")
    result = CliRunner().invoke(command, [str(tmp_path / "unit.js"), "--payload", "1"])
    assert isinstance(result.exception, DisioError)
    assert (exit_status(result.exception), result.output) == (1, "")
    assert "make web" in str(result.exception)


@pytest.mark.parametrize("name", ["STATIC", "TRIAL_STATIC"])
async def test_without_the_pages_nothing_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(serving, name, tmp_path)
    with pytest.raises(TrialFailed, match="make web"):
        async with TrialServer().serving():
            pass
