"""Delays after wrong passwords: they grow, end, and lock nobody out."""

from disio_manager.people.waits import FORGOTTEN_S, FREE_TRIES, FREE_TRIES_OF_NAME, LONGEST_S, Waits


def wrong(waits: Waits, times: int, now: float, name: str = "ada", address: str = "a") -> None:
    for _ in range(times):
        waits.count(name, address, now)


def test_a_few_are_free_then_pauses_double_up_to_a_minute_and_end() -> None:
    waits, now, pauses = Waits(), 100.0, []
    wrong(waits, FREE_TRIES - 1, now)
    assert waits.retry_after("ada", "a", now) == 0.0
    for _ in range(9):
        waits.count("ada", "a", now)
        pauses.append(waits.retry_after("ada", "a", now))
        now += pauses[-1]
        assert waits.retry_after("ada", "a", now) == 0.0, "after the pause anybody may try"
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_S, LONGEST_S, LONGEST_S]
    assert waits.retry_after("other", "b", now) == 0.0
    waits.count("ada", "a", now)
    assert waits.retry_after("other", "a", now) == LONGEST_S, "it is the address that waits"


def test_a_right_one_ends_the_address_s_pause_and_time_does() -> None:
    waits = Waits()
    wrong(waits, 20, 100.0)
    waits.forgive("ada", "a")
    assert waits.retry_after("ada", "a", 100.0) == 0.0
    wrong(waits, 20, 100.0, "bob", "b")
    later = 100.0 + FORGOTTEN_S + 1
    assert waits.retry_after("bob", "b", later) == 0.0
    waits.count("bob", "b", later)
    assert waits.retry_after("bob", "b", later) == 0.0, "it counts from none again"


def test_strangers_who_guess_at_a_name_delay_strangers_and_not_who_is_known() -> None:
    waits = Waits()
    waits.forgive("ada", "home")
    for number in range(FREE_TRIES_OF_NAME * 2):
        waits.count("ada", f"stranger{number}", 100.0)
    assert waits.retry_after("ada", "somewhere", 100.0) == LONGEST_S
    assert waits.retry_after("ada", "home", 100.0) == 0.0
    assert waits.retry_after("bob", "somewhere", 100.0) == 0.0
    waits.know("ada", "somewhere")
    assert waits.retry_after("ada", "somewhere", 100.0) == 0.0


def test_what_could_not_be_checked_counts_for_nothing() -> None:
    waits = Waits()
    wrong(waits, FREE_TRIES - 1, 100.0)
    for _ in range(50):
        waits.count("ada", "a", 100.0)
        waits.take_back("ada", "a")
    assert waits.retry_after("ada", "a", 100.0) == 0.0
    waits.take_back("nobody", "nowhere")


def test_the_tables_are_bounded() -> None:
    waits = Waits(rows=10)
    for number in range(1_000):
        wrong(waits, 6, 100.0, f"n{number}", f"a{number}")
        waits.know(f"n{number}", f"a{number}")
    assert len(waits._rows) == 10 and len(waits._known) == 10
    assert waits.retry_after("x", "a999", 100.0) > 0
