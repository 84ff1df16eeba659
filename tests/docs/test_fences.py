"""How blocks are found in a page, and what is told of commands that cannot be run."""

import pytest

from tests.docs.fences import BadPage, fences_of
from tests.docs.lint import problems_of
from tests.docs.rules import in_order, pattern_of, unlike

PAGE = """# Title

```sh serves
disio up
```

* an item

      disio inside an item, which is text

  ```json answer=/api/me
  {"role": "admin"}
  ```

~~~python payload='{"n": 3}'
def run(payload, unit): ...
~~~
"""


def test_blocks_are_found_with_their_rules_and_without_the_indent_of_their_item() -> None:
    served, answer, unit = fences_of("page.md", PAGE)
    assert (served.place, served.kind, served.text) == ("page.md:3", "sh serves", "disio up\n")
    assert (answer.kind, answer.named, answer.text) == ("json answer", {"answer": "/api/me"}, '{"role": "admin"}\n')
    assert (unit.kind, unit.named["payload"]) == ("python payload", '{"n": 3}')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("words\n\n    disio up\n", "page.md:3: an indented block"),
        ("* item\n\nwords\n\n    disio up\n", "page.md:5: an indented block"),
        ("```\ndisio up\n```\n", "page.md:1: this block has no language"),
        ("```sh\ndisio up\n", "page.md:1: this block has no end"),
    ],
)
def test_what_is_no_readable_block_is_told_of(text: str, problem: str) -> None:
    with pytest.raises(BadPage) as raised:
        fences_of("page.md", text)
    assert str(raised.value).startswith(problem)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("make demo     # a comment", ""),
        ("make nothing", "make nothing: no such verb"),
        ("pip install ./shared ./client_cli", ""),
        ("pip install ./nowhere", "./nowhere is no package of this checkout"),
        (".venv/bin/disio distributor start \\\n  --kits https://example.org", ""),
        ("disio distributor start --kitz URL", "No such option"),
        ("disio distributer start", "No such command"),
        ("disio-client --cores 0", "is not in the range"),
        ("systemctl start disio", "systemctl is a program of which nothing is known"),
    ],
)
def test_commands_that_cannot_be_run_are_looked_over(command: str, problem: str) -> None:
    problems = problems_of(command)
    assert problems == [] if not problem else problem in "".join(problems), problems


def test_words_of_programs_are_compared_but_for_their_numbers() -> None:
    import re

    wanted = pattern_of("ran in 0.04 s (3 times)\nin ...")
    assert re.fullmatch(wanted, "ran in 12 s (7 times)\nin a box")
    assert not re.fullmatch(wanted, "ran in 12 s (7 times)\nin a box\nand more")
    assert not re.fullmatch(wanted, "ran in no s (7 times)\nin a box")


def test_lines_are_looked_for_in_their_order() -> None:
    assert in_order(["1", "3"], ["1", "2", " 3"])
    assert not in_order(["3", "1"], ["1", "2", "3"])


def test_answers_are_compared_by_shape() -> None:
    real = {"id": "x", "items": [{"i": 0, "result": 1.5}], "eta_s": None}
    assert unlike({"id": "y", "items": [{"i": 7, "result": 3}], "eta_s": 2.5}, real) == []
    assert unlike({"name": "y"}, real) == [".name is not there"]
    assert unlike({"items": [{"i": "0"}]}, real) == [".items[0].i is 0"]
