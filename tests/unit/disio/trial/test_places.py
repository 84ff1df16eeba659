"""Where ``--engine`` and ``--runtime`` have a unit run, and which pairs make no sense."""

import pytest

from disio.commands.trying import places_of
from disio_shared.errors import ConfigError


@pytest.mark.parametrize(
    ("engine", "runtime", "places"),
    [
        ("cli", "sandbox", ("cli",)),
        ("browser", "sandbox", ("browser",)),
        ("both", "sandbox", ("cli", "browser")),
        ("cli", "native", ("native",)),
        ("cli", "both", ("cli", "native")),
        ("both", "both", ("cli", "browser", "native")),
    ],
)
def test_the_sandboxes_come_first_in_their_order(engine: str, runtime: str, places: tuple[str, ...]) -> None:
    assert places_of(engine, runtime, "python") == places


@pytest.mark.parametrize("language", ["javascript", "wasm"])
@pytest.mark.parametrize("runtime", ["native", "both"])
def test_other_languages_have_no_native_runtime(language: str, runtime: str) -> None:
    with pytest.raises(ConfigError) as refused:
        places_of("cli", runtime, language)
    assert str(refused.value) == f"--runtime: {runtime} is for Python; this unit is {language} (leave it out)"
    assert places_of("cli", "sandbox", language) == ("cli",)


@pytest.mark.parametrize(
    ("engine", "runtime", "remedy"),
    [("browser", "native", "--engine cli"), ("browser", "both", "--engine both"), ("both", "native", "--engine cli")],
)
def test_no_browser_has_one_either(engine: str, runtime: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=f"no browser runs native Python.*give {remedy}"):
        places_of(engine, runtime, "python")
