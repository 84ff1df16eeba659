"""The pi demo checks against an answer that was found another way."""

import re

from disio.demos import pi
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import count, payload_at


def test_machins_digits_are_the_published_ones() -> None:
    assert pi.known_digits(64) == pi.KNOWN_START


def test_more_digits_begin_with_the_fewer() -> None:
    assert pi.known_digits(500).startswith(pi.known_digits(499))


def test_right_digits_have_no_difference() -> None:
    known = pi.known_digits(40)
    assert pi.first_difference([known[at : at + 4] for at in range(0, 40, 4)]) is None


def test_a_wrong_digit_is_found_where_it_is() -> None:
    found = [pi.known_digits(16)[at : at + 4] for at in range(0, 16, 4)]
    found[2] = found[2][0] + ("0" if found[2][1] != "0" else "1") + found[2][2:]
    assert pi.first_difference(found) == 9


def test_the_document_covers_the_digits_asked_for() -> None:
    spec = parse_spec(pi.task_document(10)["payloads"])
    assert count(spec) == 3
    assert payload_at(spec, 2) == b'{"n":8,"count":4}'


def test_the_work_unit_is_a_classic_script() -> None:
    source = pi.workunit_source()
    assert re.search(r"^worker\.onStart = function", source, re.MULTILINE)
    assert "communication.end(" in source
    assert "communication.saveState(" in source
