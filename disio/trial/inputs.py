"""From the words of a command line to trials.

Rule: whatever is wrong with a file or a value is told by the name of the flag, before anything is started.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from disio.trial.trials import Trial
from disio_shared.errors import ConfigError
from disio_shared.messages import Terms
from disio_shared.taskdoc import MAX_RESULT_BYTES, Language, Policy, check_code
from disio_shared.values import encode_value

TO_QUOTE = "quote texts twice: '\"text\"'; raw bytes come from a file: @FILE"


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
    if language is None:
        problem = f"{workunit} does not tell by its suffix (.js, .mjs, .wasm, .py) what it is written in"
        raise ConfigError("WORKUNIT", problem, "give --language")
    _check_terms(language, output, clock)
    code = _read(workunit, "WORKUNIT")
    problems = check_code(language, code)
    if problems:
        raise ConfigError("WORKUNIT", f"{workunit} {problems[0]}")
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
    text = word.encode() if file is None else _read(file, flag)
    if raw or (file is not None and file.suffix.lower() != ".json"):
        return encode_value(text)
    try:
        return encode_value(msgspec.json.decode(text))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        where = str(file) if file is not None else repr(word if len(word) <= 60 else f"{word[:60]}...")
        raise ConfigError(flag, f"{where} is not JSON: {error}", "" if file is not None else TO_QUOTE) from error


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(what, f"{file} cannot be read: {error.strerror or error}", "correct the path") from error
