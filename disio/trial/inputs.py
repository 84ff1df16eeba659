"""From the words of a command line to trials.

Rule: whatever is wrong with a file or a value is told by the name of the flag, before anything is started.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from disio.trial.trials import Trial
from disio_shared.codec import MAX_PAYLOAD_BYTES
from disio_shared.errors import ConfigError, InvalidDocument
from disio_shared.messages import Terms
from disio_shared.payload_parsing import parse_spec
from disio_shared.payloads import payload_at
from disio_shared.taskdoc import (
    MAX_DOCUMENT_BYTES,
    MAX_RESULT_BYTES,
    MAX_WORKUNIT_BYTES,
    Language,
    Policy,
    check_code,
)
from disio_shared.values import encode_value
from disio_shared.wording import not_json

TO_QUOTE = "quote texts twice: '\"text\"'; raw bytes come from a file: @FILE"
SHOWN = 60
"""Characters of a word that a message repeats."""


def read_trials(
    workunit: Path,
    payloads: Sequence[str],
    *,
    raw: bool,
    language: Language | None,
    first_index: int,
    state: str | None,
    unit_timeout_s: float,
    memory_mb: int,
    output: str,
    clock: str,
) -> list[Trial]:
    """Return one trial for each payload.

    Args:
        workunit: File with the code.
        payloads: Each is JSON text or ``@FILE``.
        raw: Payloads are raw bytes, not JSON.
        language: None when the file's name does not tell.
        first_index: Of the first payload.
        state: JSON text or ``@FILE``, or None.
        unit_timeout_s: Seconds that a unit may take.
        memory_mb: What a unit may use.
        output: ``bytes``, ``text`` or ``json``: what a WebAssembly unit writes.
        clock: ``fixed`` or ``real``.

    Raises:
        ConfigError: A file or a value is wrong.
    """
    code = _read(workunit, "WORKUNIT", MAX_WORKUNIT_BYTES)
    if language is None:
        problem = f"{workunit} does not tell by its suffix (.js, .mjs, .wasm, .py) what it is written in"
        raise ConfigError("WORKUNIT", problem, "give --language")
    _check_terms(language, output, clock)
    problems = check_code(language, code)
    if problems:
        raise ConfigError(
            "WORKUNIT", f"{workunit} {problems[0]}", "correct it, or begin with one that runs: disio init"
        )
    saved = None if state is None else _value(state, "--state", raw=False)
    terms = Terms(output=output, clock=clock, max_result_bytes=MAX_RESULT_BYTES, max_log_bytes=Policy().max_log_bytes)
    return [
        Trial(
            language=language,
            code=code,
            payload=_value(payload, "--payload", raw),
            index=first_index + at,
            state=saved,
            unit_timeout_s=unit_timeout_s,
            memory_mb=memory_mb,
            terms=terms,
        )
        for at, payload in enumerate(payloads)
    ]


def _check_terms(language: str, output: str, clock: str) -> None:
    """Refuse what a task document would not take either."""
    for flag, value, usual in (("--output", output, "bytes"), ("--clock", clock, "fixed")):
        if value != usual and language != "wasm":
            raise ConfigError(flag, f"is for WebAssembly; this unit is {language}", "leave it out")


def _value(word: str, flag: str, raw: bool) -> bytes:
    """Return a payload or state in wire form."""
    file = Path(word[1:]) if word.startswith("@") else None
    text = os.fsencode(word) if file is None else _read(file, flag, MAX_DOCUMENT_BYTES)
    if raw or (file is not None and file.suffix.lower() != ".json"):
        value = encode_value(text)
    else:
        value = _json_value(text, flag, word, file)
    if len(value) > MAX_PAYLOAD_BYTES:
        problem = (
            f"{_shown(word)} has {len(value)} bytes, over the limit of {MAX_PAYLOAD_BYTES}: no client would get it"
        )
        raise ConfigError(flag, problem, "make several smaller ones of it")
    return value


def _json_value(text: bytes, flag: str, word: str, file: Path | None) -> bytes:
    """Return JSON text in wire form, as an item of a task's list: ``{"$base64": "..."}`` stands for raw bytes."""
    try:
        return payload_at(parse_spec({"list": [msgspec.json.decode(text)]}), 0)
    except InvalidDocument as error:
        raise ConfigError(flag, error.problems[0].message) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        where = _shown(word) if file is None else str(file)
        remedy = TO_QUOTE if file is None else "correct it, or give --raw to have it passed on as bytes"
        raise ConfigError(flag, f"{where} {not_json(error)}", remedy) from error


def _shown(word: str) -> str:
    """Return a word of the command line for a message."""
    return repr(word if len(word) <= SHOWN else f"{word[:SHOWN]}...")


def _read(file: Path, what: str, limit: int) -> bytes:
    """Return what a file holds; of one that is too large, or has no end, no more is read than it takes to know."""
    try:
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
    except OSError as error:
        raise ConfigError(what, f"{file} cannot be read: {error.strerror or error}", "correct the path") from error
    if len(data) > limit:
        raise ConfigError(what, f"{file} is over the limit of {limit} bytes", "name a smaller file")
    return data
