"""Assignment tokens."""

from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.core.tokens import MAX_TOKEN_CHARS, Token, make_token, read_token

KEY = b"k" * 32
runs = st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), max_size=5)


@given(task=st.text(max_size=12), client=st.text(max_size=12), nonce=st.text(max_size=12), held=runs)
def test_a_token_says_what_it_was_made_of(task: str, client: str, nonce: str, held: list[tuple[int, int]]) -> None:
    token = make_token(KEY, task, client, nonce, held)
    assert read_token(KEY, token) == Token(task, client, nonce, held)
    assert read_token(b"other", token) is None


@given(text=st.text(max_size=80))
def test_any_other_text_is_no_token(text: str) -> None:
    assert read_token(KEY, text) is None


def test_no_character_of_a_token_can_be_another() -> None:
    token = make_token(KEY, "task", "client", "nonce", [(0, 5)])
    for at in range(len(token)):
        for other in "AQgwB_-":
            if token[at] != other:
                assert read_token(KEY, token[:at] + other + token[at + 1 :]) is None
    assert read_token(KEY, token + "=") is None
    assert read_token(KEY, token[:-1]) is None


def test_the_longest_token_made_is_read() -> None:
    held = [(n * 10**10, n * 10**10 + 1) for n in range(64)]
    token = make_token(KEY, "t" * 64, "c" * 64, "n" * 32, held)
    assert len(token) <= MAX_TOKEN_CHARS
    assert read_token(KEY, token) is not None
    assert read_token(KEY, "A" * (MAX_TOKEN_CHARS + 1)) is None
