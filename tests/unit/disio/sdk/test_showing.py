"""Tasks as people see them."""

import io
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from disio.sdk.notebook import NotebookBar, in_notebook, task_html
from disio.sdk.progress import LineBar, TerminalBar, make_bar, note_of
from disio.sdk.shapes import TaskInfo
from disio.times import time_text

INFO = TaskInfo(
    id="t1",
    number=1,
    name="<b>[red]name",
    tags=[],
    description="",
    state="running",
    growing=False,
    total=200,
    done=50,
    failed=10,
    leased=5,
    lost=0,
    created_at=0.0,
    finished_at=None,
    rate=2.5,
    eta_s=87.0,
    version=1,
    workunit={},
    policy={},
)


def later(**changes: Any) -> TaskInfo:
    import msgspec

    return msgspec.structs.replace(INFO, **changes)


def test_html_is_escaped_and_tells_the_numbers() -> None:
    shown = task_html(INFO)
    assert "&lt;b&gt;[red]name" in shown and "<b>[red]" not in shown and "<script" not in shown
    assert "50 of 200 done, 10 failed, 2.5/s, 87 s left" in shown and 'aria-valuenow="30"' in shown
    assert "width:0.0%" in task_html(later(total=0, done=0, failed=0))


def test_a_terminal_gets_a_bar_with_texts_as_they_are() -> None:
    out = io.StringIO()
    with TerminalBar(Console(file=out, force_terminal=True, width=120)) as bar:
        bar.show(INFO)
        bar.show(later(done=190, rate=0.0, eta_s=None))
    assert "<b>[red]name" in out.getvalue() and "200/200" in out.getvalue() and "10 failed" in out.getvalue()


def test_elsewhere_a_line_comes_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with LineBar() as bar:
        for done in range(0, 201):
            bar.show(later(done=done, failed=0, state="done" if done == 200 else "running"))
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 11
    assert err.splitlines()[0] == "<b>[red]name: 0 of 200 (running, 2.5/s, 1m27s left)"


def test_times_and_notes_are_short() -> None:
    assert [time_text(each) for each in (7.4, 87, 11_100)] == ["7s", "1m27s", "3h05m"]
    assert note_of(INFO) == "2.5/s, 1m27s left, 10 failed"


def test_a_notebook_gets_one_cell_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, what: str) -> None:
            shown.append(what)

    def display(what: str, display_id: bool) -> Handle:
        shown.append(what)
        return Handle()

    kernel, package = ModuleType("IPython"), ModuleType("IPython.display")
    monkeypatch.setattr(kernel, "get_ipython", lambda: SimpleNamespace(kernel=object()), raising=False)
    monkeypatch.setattr(package, "HTML", str, raising=False)
    monkeypatch.setattr(package, "display", display, raising=False)
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", package)
    assert in_notebook()
    bar = make_bar()
    assert isinstance(bar, NotebookBar)
    with bar:
        for done in range(51):
            bar.show(later(done=done))
        bar.show(later(done=190, state="done"))
    assert "0 of 200" in shown[0] and "190 of 200" in shown[-1] and len(shown) < 50
