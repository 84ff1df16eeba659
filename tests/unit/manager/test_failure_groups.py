"""Failures by what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disio_manager.failure_groups import MAX_GROUPS, MAX_TEXT, Groups, folded, key_of, kind_of, message_of

PIECES = st.sampled_from(
    [
        "Error",
        ":",
        " ",
        "'a b'",
        '"x"',
        "`q`",
        "12",
        "-3.5e9",
        "0xFF",
        "/usr/lib/x.py",
        "C:\\a\\b",
        "deadbeefdead12",
        "http://a/b?c",
        "\n",
        "\t",
        "at",
        "‹n›",
        "é",
        "\x1b[31m",
        "_1",
        "v2",
    ]
)


@given(st.one_of(st.text(max_size=400), st.lists(PIECES, max_size=30).map("".join)))
def test_folding_twice_changes_nothing_and_a_message_is_short(text: str) -> None:
    once = folded(text)
    assert folded(once) == once and len(once) <= MAX_TEXT and "\n" not in once


@given(st.integers(), st.integers(), st.text("abc xyz", max_size=20), st.text("abc xyz", max_size=20))
def test_numbers_and_quoted_texts_tell_nothing_apart(one: int, two: int, some: str, other: str) -> None:
    assert folded(f"bad value {one} in '{some}'") == folded(f"bad value {two} in '{other}'")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "TypeError: cannot read 'x' of undefined\n  at run (unit.js:3:1)",
            "TypeError: cannot read ‹text› of undefined",
        ),
        ("\n  no such file /tmp/a/b.txt, row 17", "no such file ‹path›, row ‹n›"),
        ("out of memory at 0x7ffe12ab", "out of memory at ‹hex›"),
        ("job 6f1c2e3d-1111-2222-3333-444455556666 of http://h:1/x?y=2 failed", "job ‹hex› of ‹url› failed"),
        ("took 12.5 s, more than 1e3", "took ‹n› s, more than ‹n›"),
        ("sha256 and utf8 stay", "sha256 and utf8 stay"),
        ("", ""),
    ],
)
def test_what_is_folded(text: str, message: str) -> None:
    assert folded(text) == message


def test_groups_count_every_failure_and_keep_the_first_ones() -> None:
    groups = Groups()
    for index in range(100):
        groups.add(index, ["older", f"ValueError: {index} is odd" if index % 2 else "lost"])
    assert groups.counted == 100 and groups.others == 0
    odd, lost = sorted(groups.largest(), key=lambda group: -len(group.message))
    assert (odd.kind, odd.count, odd.sample[:2], odd.last) == ("ValueError", 50, [1, 3], 99)
    assert (lost.kind, lost.message, lost.example) == ("", "lost", "lost")
    assert odd.key == key_of(message_of(["ValueError: 7 is odd"])) and odd.example == "ValueError: 1 is odd"
    assert len(odd.sample) == 10
    assert kind_of("requests.exceptions.ConnectionError: x") == "requests.exceptions.ConnectionError"


def test_too_many_groups_are_counted_together() -> None:
    groups = Groups()
    for index in range(MAX_GROUPS + 7):
        groups.add(index, ["x" * (index // 26) + chr(97 + index % 26)])
    assert (len(groups.groups), groups.others, groups.counted) == (MAX_GROUPS, 7, MAX_GROUPS + 7)
