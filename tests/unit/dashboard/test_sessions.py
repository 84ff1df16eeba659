"""The tables of sessions, login links and failures."""

from hypothesis import given
from hypothesis import strategies as st

from disio_dashboard.sessions import FailureLimiter, LoginLinks, SessionTable, is_same_secret


def test_a_session_is_found_until_its_life_is_over() -> None:
    table = SessionTable(life_s=100)
    session_id = table.open("token", now=0)
    found = table.find(session_id, now=99)
    assert found is not None and found.token == "token"
    assert table.find(session_id, now=100) is None
    assert len(table) == 0


def test_the_session_used_longest_ago_makes_room() -> None:
    table = SessionTable(size=2)
    first, second = table.open("a", 0), table.open("b", 1)
    table.find(first, 2)
    table.open("c", 3)
    assert table.find(first, 4) is not None
    assert table.find(second, 4) is None


def test_a_closed_session_is_gone_and_closing_twice_is_fine() -> None:
    table = SessionTable()
    session_id = table.open("token", 0)
    table.close(session_id)
    table.close(session_id)
    assert table.find(session_id, 0) is None


def test_ids_and_tokens_have_256_bits_and_differ() -> None:
    table = SessionTable()
    ids = [table.open("token", 0) for _ in range(50)]
    secrets = {found.csrf for session_id in ids if (found := table.find(session_id, 0))}
    assert len(set(ids)) == len(secrets) == 50
    assert all(len(text) >= 43 for text in [*ids, *secrets])


def test_a_session_does_not_print_its_secrets() -> None:
    table = SessionTable()
    session = table.find(table.open("the-token", 0), 0)
    assert session is not None
    assert "the-token" not in repr(session) and session.csrf not in repr(session)


def test_a_login_link_works_once() -> None:
    links = LoginLinks()
    code = links.issue(0)
    assert links.redeem(code, 1)
    assert not links.redeem(code, 1)


def test_a_login_link_dies_after_ten_minutes() -> None:
    links = LoginLinks()
    assert not links.redeem(links.issue(0), 600)
    assert links.redeem(links.issue(0), 599.9)


def test_login_links_are_bounded() -> None:
    links = LoginLinks(size=3)
    codes = [links.issue(0) for _ in range(4)]
    assert [links.redeem(code, 0) for code in codes] == [False, True, True, True]


def test_five_failures_in_fifteen_minutes_lock_an_address() -> None:
    limiter = FailureLimiter()
    for now in range(5):
        assert limiter.retry_after("a", now) == 0
        limiter.count("a", now)
    assert limiter.retry_after("a", 4) == 896
    assert limiter.retry_after("b", 4) == 0
    assert limiter.retry_after("a", 900) == 0


def test_success_forgives_and_an_unknown_outcome_is_taken_back() -> None:
    limiter = FailureLimiter(limit=2)
    limiter.count("a", 0)
    limiter.count("a", 0)
    limiter.take_back("a")
    assert limiter.retry_after("a", 0) == 0
    limiter.count("a", 0)
    assert limiter.retry_after("a", 0) > 0
    limiter.forgive("a")
    assert limiter.retry_after("a", 0) == 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 10_000)), max_size=60))
def test_the_limiter_never_remembers_more_addresses_than_it_may(tries: list[tuple[str, float]]) -> None:
    limiter = FailureLimiter(addresses=3)
    for address, now in sorted(tries, key=lambda each: each[1]):
        limiter.count(address, now)
        assert limiter.retry_after(address, now) <= 900
    assert len(limiter._failures) <= 3


@given(st.text(), st.text())
def test_secrets_are_the_same_exactly_when_their_texts_are(one: str, other: str) -> None:
    assert is_same_secret(one, other) == (one == other)
