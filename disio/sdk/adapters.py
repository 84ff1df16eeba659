"""How a work unit calls the function that was sent.

Rule: pure text; ``run(payload, unit)`` is all that a client knows.
"""

from typing import Literal

Call = Literal["unit", "payload", "args", "call"]
"""What is called: ``f(payload, unit)``, ``f(payload)``, ``f(*payload)``, or ``f`` with the payload's ``args`` and
``kwargs``."""
RUN = "run"
"""What a work unit calls its function."""
_CALLS: dict[Call, str] = {
    "unit": "    return {wait}{name}(payload, unit)\n",
    "payload": "    return {wait}{name}(payload)\n",
    "args": "    return {wait}{name}(*payload)\n",
    "call": """\
    args, kwargs = ([payload], {{}}) if isinstance(payload, bytes) else (payload["args"], payload["kwargs"])
    result = {wait}{name}(*args, **kwargs)
    if isinstance(result, (bytes, bytearray, memoryview)):
        return result
    return {{"t": list(result)}} if type(result) is tuple else {{"r": result}}
""",
}


def adapter_of(name: str, call: Call, is_async: bool) -> str:
    """Return the function ``run`` that calls another one."""
    head, wait = ("async def", "await ") if is_async else ("def", "")
    return f"{head} {RUN}(payload, unit):\n" + _CALLS[call].format(wait=wait, name=name)
