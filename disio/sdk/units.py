"""Work units: code in any language, ready to be sent.

Rule: a unit is its bytes and how they are run; nothing is executed here.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from disio.sdk.errors import BadArgument
from disio.submitting.document import LANGUAGES
from disio_shared.taskdoc import Language, check_code

Runtime = Literal["sandbox", "native"]
MEMORY_MB = 64
"""What a unit that is tried may use, as ``requires.memory_mb`` of a task."""


@dataclass(frozen=True)
class WorkUnit:
    """Code, and how it is run.

    Args:
        name: What its tasks are called if nothing else is said.
        language: ``javascript``, ``wasm`` or ``python``.
        code: It.
        runtime: ``native`` for Python on machines that trust this cluster.
        output: Of WebAssembly: ``bytes``, ``text`` or ``json``.
        clock: Of WebAssembly: ``fixed`` or ``real``.
        options: Fields of the policy that its tasks get if nothing else is said.

    Raises:
        BadArgument: It cannot run.
    """

    name: str
    language: Language
    code: bytes = field(repr=False)
    runtime: Runtime | None = None
    output: Literal["bytes", "text", "json"] | None = None
    clock: Literal["fixed", "real"] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = check_code(self.language, self.code)
        if problems:
            raise BadArgument(f"the work unit {self.name} {problems[0]}")

    @classmethod
    def from_file(cls, path: str | Path, **how: Any) -> "WorkUnit":
        """Return the unit in a file: ``.js``, ``.mjs``, ``.py`` or ``.wasm``; ``how`` as for the class.

        Raises:
            BadArgument: It cannot be read, or runs in no language.
        """
        file = Path(path)
        language = LANGUAGES.get(file.suffix.lower())
        if language is None:
            raise BadArgument(f"{file} ends in none of {', '.join(LANGUAGES)}")
        try:
            code = file.read_bytes()
        except OSError as error:
            raise BadArgument(f"{file} cannot be read: {error.strerror or error}") from error
        return cls(file.stem, language, code, **how)

    @classmethod
    def from_source(cls, source: str, language: Language, name: str = "untitled", **how: Any) -> "WorkUnit":
        """Return the unit of a text; ``how`` as for the class."""
        return cls(name, language, source.encode(), **how)

    @property
    def sha256(self) -> str:
        """Hash of the code, which names it everywhere."""
        return hashlib.sha256(self.code).hexdigest()

    @property
    def source(self) -> str:
        """The code as text.

        Raises:
            UnicodeDecodeError: It is WebAssembly.
        """
        return self.code.decode()

    def test(self, payload: object, *, index: int = 0, unit_timeout_s: float = 60.0, memory_mb: int = MEMORY_MB) -> Any:
        """Run it here on a payload, in the sandbox of volunteers' clients; return what it gives.

        No manager is needed. From coroutines, call it with ``asyncio.to_thread``.

        Args:
            payload: A value that JSON can hold, or ``bytes``.
            index: ``unit.index``.
            unit_timeout_s: Seconds that it may take.
            memory_mb: Memory that it may use.

        Raises:
            UnitFailed: It failed; ``kind`` tells how.
            TrialFailed: There is no sandbox here.
            BadArgument: The payload is nothing that JSON can hold.
        """
        from disio.sdk.loop import shared_loop
        from disio.sdk.trying import try_unit

        return shared_loop().run(try_unit(self, payload, index, unit_timeout_s, memory_mb))

    def spec(self) -> dict[str, Any]:
        """Return the ``workunit`` of a task document."""
        how = {"runtime": self.runtime, "output": self.output, "clock": self.clock}
        given: dict[str, Any] = {name: value for name, value in how.items() if value is not None}
        if self.language == "wasm":
            given["source_base64"] = base64.b64encode(self.code).decode()
        else:
            given["source"] = self.source
        return {"language": self.language, **given}
