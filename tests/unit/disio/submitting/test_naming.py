"""Names of inputs and outputs."""

from disio.submitting.naming import blocked_outputs, is_hidden, is_text, output_name, some_of


def test_an_output_is_called_as_its_input() -> None:
    assert output_name("a/b.txt", "") == "a/b.txt"
    assert output_name("a/b.txt", ".out") == "a/b.txt.out"


def test_an_output_cannot_be_a_file_and_a_directory_at_once() -> None:
    assert blocked_outputs(["a", "a.out/b", "c/d"], ".out") == ["a.out"]
    assert blocked_outputs(["a", "a.out", "b/a"], ".out") == []
    assert blocked_outputs(["x/a", "x/a.out/y/z", "x/a.out/y"], ".out") == ["x/a.out"]
    assert blocked_outputs(["a", "b/c"], "") == []


def test_names_that_utf8_cannot_say_are_known() -> None:
    assert is_text("größe 大.txt")
    assert not is_text(b"\xff.txt".decode("utf-8", "surrogateescape"))


def test_what_is_hidden_begins_with_a_dot() -> None:
    assert is_hidden(".git") and not is_hidden("a.b")


def test_a_message_names_a_few_and_counts_the_rest() -> None:
    assert some_of(["a", "b"]) == "a, b"
    assert some_of([str(at) for at in range(12)]).endswith("8, 9 and 2 more")
