"""A slot with a real engine for Python units, and the files that they need."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from disio_client.engines.deno import HOST_SCRIPT

KITS = Path(__file__).parents[3] / "distributor/src/disio_distributor/static/kits"


def python_kit(language: str) -> Mapping[str, bytes]:
    """Return the kit of Python as the build made it."""
    if language != "python":
        return {}
    lists = msgspec.json.decode(HOST_SCRIPT.with_name("kits.json").read_bytes())
    kit = lists[language]
    return {file["name"]: (KITS / kit["name"] / file["name"]).read_bytes() for file in kit["files"]}
