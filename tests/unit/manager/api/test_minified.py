"""JavaScript in fewer bytes: never another program."""

from pathlib import Path

import pytest

from disio_manager.api.minified import minified

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("source", "shorter"),
    [
        ("// adds\nexport default (p) => {\n  return p.a + p.b   // here\n}\n", "export default(p)=>{return p.a+p.b}"),
        ("/* a */ let text = 'a  //  b' /* c */\n", "let text='a  //  b'"),
        ("export default (n) => `${n}  spaces  ${n}`;  // kept\n", "export default(n)=>`${n}  spaces  ${n}`;"),
        ("let a = 1\nlet b = a\n++b\n", "let a=1\nlet b=a\n++b"),
        ("let found = /[/ ]  \\/ /.test( x );\n", "let found=/[/ ]  \\/ /.test(x);"),
    ],
)
def test_comments_and_needless_spaces_go(source: str, shorter: str) -> None:
    assert minified(source.encode()).decode() == shorter


@pytest.mark.parametrize(
    "source",
    [
        "",
        "export default 1",
        "let   broken = (",
        "let   x = `a  ${ `b  ${ 1 }  // c` }  d`   // nested",
        "export default () => 1 // " + "x" * (3 << 20),
    ],
)
def test_what_cannot_be_shortened_or_checked_stays(source: str) -> None:
    assert minified(source.encode()) == source.encode()


def test_bytes_that_are_no_text_stay() -> None:
    assert minified(b"let   x = '\xff'") == b"let   x = '\xff'"


def test_a_minifier_that_is_wrong_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    source = b"export default (a) => {\n  return a - -1\n}\n"
    for body in ("return a--1", "return\na- -1", "return a- -2"):
        wrong = f"export default(a)=>{{{body}}}"
        monkeypatch.setattr("rjsmin.jsmin", lambda _source, wrong=wrong: wrong)
        assert minified(source) == source


def test_the_units_of_the_examples_get_shorter() -> None:
    units = [*ROOT.glob("examples/*/*.js"), *ROOT.glob("disio/templates/**/*.js")]
    assert units
    for unit in units:
        assert len(minified(unit.read_bytes())) < unit.stat().st_size, unit
