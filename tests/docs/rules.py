"""What is done with each kind of block: one rule for one kind, and no block without a rule.

Rule: a rule runs the block. What can run only elsewhere is looked over, as far as that can be done here.
"""

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from tests.docs.desk import Desk, Followed
from tests.docs.fences import ROOT, Fence
from tests.docs.lint import problems_of
from tests.waiting import patient

EXPECTED = re.compile(r"# -> (.*?) *$", re.MULTILINE)
"""In a program or a command: a line that it prints."""
UNIT_EXPECTED = re.compile(r"(?:#|//) -> (.*?) *$", re.MULTILINE)
NUMBER = re.compile(r"\d+(?:\.\d+)?")
COMMAND = re.compile(r"^\s*(?:\$ |(?:disio|disio-client|curl|python3?|pip|make|npm|docker|apt)\s)", re.MULTILINE)
PARTS = {"name", "tags", "description", "public", "webhooks", "aggregates", "workunit", "payloads", "policy"}
NOBODY_FITS = 1_000_000
"""MB of memory that no client offers: the task is made, and none of it is computed."""
SQUARE = {"language": "javascript", "source": "export default (n) => n * n"}


def served(fence: Fence, desk: Desk) -> None:
    """It was started before everything else and is looked at when it ends."""


def followed(fence: Fence, desk: Desk) -> None:
    """Run commands; ``# -> `` shows lines that they print."""
    done = desk.follow(fence.text, fence.page)
    assert "Traceback" not in done.err, done
    if lacks(fence):
        return refused(fence, done)
    assert done.status == 0, done
    assert in_order(EXPECTED.findall(desk.as_here(fence.text)), done.out.splitlines()), done


def told(fence: Fence, desk: Desk) -> None:
    """Run each command behind ``$`` and compare what it prints; any number stands for any, ``...`` for any text."""
    for command, *shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", fence.text, re.MULTILINE):
        done = desk.follow(f"{{ {command}\n}} 2>&1", fence.page)
        assert done.status == 0, done
        wanted = shown[0].rstrip("\n")
        assert re.fullmatch(pattern_of(wanted), done.out.rstrip("\n")), f"{wanted}\n--- is not\n{done}"


def looked_over(fence: Fence, desk: Desk) -> None:
    """Look at commands that cannot be run here: syntax, programs, files, verbs and options."""
    syntax = subprocess.run(
        ["bash", "-n"], input=fence.text, capture_output=True, text=True, timeout=patient(30), check=False
    )
    assert (syntax.returncode, syntax.stderr) == (0, ""), syntax.stderr
    problems = problems_of(fence.text)
    assert not problems, problems


def ran(fence: Fence, desk: Desk) -> None:
    """Run a Python program, or a work unit when it defines ``run``; ``# -> `` shows what it prints or gives."""
    if "payload" in fence.named:
        return computed(fence, desk)
    file = desk.room(fence.page) / "program.py"
    file.write_text(desk.as_here(fence.text), encoding="utf-8")
    done = desk.run(["python", file.name], fence.page)
    if lacks(fence):
        return refused(fence, done)
    assert done.status == 0, done
    assert done.err == "", done
    assert EXPECTED.search(fence.text), "it shows nothing of what it prints"
    assert done.out.splitlines() == EXPECTED.findall(fence.text), done


def computed(fence: Fence, desk: Desk) -> None:
    """Run a work unit as volunteers do; ``-> `` shows its result."""
    ending = {"python": ".py", "javascript": ".js"}[fence.language]
    file = desk.room(fence.page) / f"unit{ending}"
    file.write_text(fence.text, encoding="utf-8")
    command = ["disio", "test", file.name, "--payload", fence.named["payload"], "--repeat", "1", "--json"]
    done = desk.run(command, fence.page)
    assert done.status == 0, done
    (run,) = json.loads(done.out)["runs"]
    assert run["result"] == json.loads(UNIT_EXPECTED.findall(fence.text)[0]), done


def accepted(fence: Fence, desk: Desk) -> None:
    """Have the manager take a task document, or a part of one."""
    given = json.loads(fence.text)
    assert given.keys() <= PARTS, "this is no part of a task document; an answer says of what: answer=/api/..."
    document = given
    if not given.keys() >= {"workunit", "payloads"}:
        policy = given.get("policy", {})
        idle = {**policy, "requires": {**policy.get("requires", {}), "memory_mb": NOBODY_FITS}}
        document = {"workunit": SQUARE, "payloads": {"list": [1]}, **given, "policy": idle}
    status, made = desk.api("POST", "/api/tasks", document)
    assert status == 201, made
    assert isinstance(made, dict)
    assert desk.api("DELETE", f"/api/tasks/{made['id']}")[0] == 204, "it cannot be deleted"


def answered(fence: Fence, desk: Desk) -> None:
    """Compare an answer with a real one: what it shows is there, and of the same kind."""
    path = fence.named["answer"]
    if "last" in path:
        last = desk.run(["disio", "task", "show", "last", "--json"], fence.page)
        path = path.replace("last", json.loads(last.out)["id"])
    status, real = desk.api("GET", path)
    assert status == 200, real
    different = unlike(json.loads(fence.text), real)
    assert not different, different


def shown(fence: Fence, desk: Desk) -> None:
    """A drawing or a list: it holds no command, which would have to be run."""
    assert not COMMAND.search(fence.text), "this is a command: put it into a fence of sh or console"


def embedded(fence: Fence, desk: Desk) -> None:
    """Look at the tag for web pages: its file is served, and reads the attributes that the tag has."""
    (source,) = re.findall(r'<script [^>]*src="https://dist\.example\.org(/[^"]+)"', fence.text)
    done = desk.run(["curl", "-sSf", desk.as_here(f"http://127.0.0.1:8710{source}")], fence.page)
    assert done.status == 0, done
    names = re.findall(r"data-([a-z]+)=", fence.text)
    assert names and all(re.search(rf"\.{name}\b", done.out) for name in names), names


def compiled(fence: Fence, desk: Desk) -> None:
    """Compile C, where there is a compiler; what it imports and exports is what the runtime knows."""
    runtime = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "client_web/src/runtime").rglob("*.ts"))
    names = re.findall(r'(?:import|export)_name\("(\w+)"\)', fence.text)
    assert all(re.search(rf"\b{name}\b", runtime) for name in names), names
    assert fence.text.count("{") == fence.text.count("}")
    compiler = shutil.which("cc")
    if compiler:
        options = ["-x", "c", "-std=gnu11", "-fsyntax-only", "-Wall", "-Werror", "-Wno-attributes", "-"]
        done = subprocess.run([compiler, *options], input=fence.text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def in_order(wanted: list[str], lines: list[str]) -> bool:
    """Tell whether lines are among others in this order."""
    rest = iter(lines)
    return all(any(line.strip() == text for line in rest) for text in wanted)


def pattern_of(text: str) -> str:
    """Return a regular expression for what a page shows of a program's words."""
    escaped = re.escape(NUMBER.sub("\0", text)).replace("\\\0", "\0").replace("\0", NUMBER.pattern)
    return escaped.replace(re.escape("..."), "[^\n]*")


def unlike(shown: Any, real: Any, place: str = "") -> list[str]:
    """Return where an answer that is shown is of another shape than the real one; null is of any."""
    if isinstance(shown, dict) and isinstance(real, dict):
        missing = [f"{place}.{name} is not there" for name in shown if name not in real]
        both = [name for name in shown if name in real]
        return missing + [each for name in both for each in unlike(shown[name], real[name], f"{place}.{name}")]
    if isinstance(shown, list) and isinstance(real, list):
        return [each for item in shown[:1] for first in real[:1] for each in unlike(item, first, f"{place}[0]")]
    numbers = (int, float)
    is_like = shown is None or real is None or type(shown) is type(real)
    is_like = is_like or (isinstance(shown, numbers) and isinstance(real, numbers))
    return [] if is_like else [f"{place} is {json.dumps(real)}"]


def lacks(fence: Fence) -> bool:
    """Tell whether the optional package that a block needs is not installed here."""
    return "needs" in fence.named and importlib.util.find_spec(fence.named["needs"]) is None


def refused(fence: Fence, done: Followed) -> None:
    """Without its package a block must fail, and name what is missing."""
    assert done.status != 0 and fence.named["needs"] in done.err, done


RULES: dict[str, Callable[[Fence, Desk], None]] = {
    "sh": followed,
    "bash": followed,
    "sh serves": served,
    "bash needs": followed,
    "sh lint": looked_over,
    "console": told,
    "python": ran,
    "python needs": ran,
    "python payload": computed,
    "javascript payload": computed,
    "json": accepted,
    "json answer": answered,
    "text": shown,
    "html": embedded,
    "c": compiled,
}
"""Kind of block to what is done with it."""


def rule_of(fence: Fence) -> Callable[[Fence, Desk], None]:
    """Return the rule of a block.

    Raises:
        LookupError: There is none.
    """
    rule = RULES.get(fence.kind)
    if rule is None:
        raise LookupError(f"{fence.place}: no rule for blocks of {fence.kind!r}; there are {', '.join(RULES)}")
    return rule


def check(fence: Fence, desk: Desk) -> str:
    """Return what is wrong with a block."""
    try:
        rule_of(fence)(fence, desk)
    except (AssertionError, LookupError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{fence.place}\n{fence.text}{error}"
    return ""
