"""What a Redis URL names, and what a server's settings mean for acknowledged results.

Rule: only a server that writes every command through to its disk, and throws nothing away, is fully durable.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

ASKED = ("appendonly", "appendfsync", "no-appendfsync-on-rewrite", "maxmemory", "maxmemory-policy")


def durability_of(answer: Mapping[bytes | str, bytes | str]) -> str:
    """Return ``full``, or in a sentence what these settings of a server put at risk."""
    found = {_text(name): _text(value) for name, value in answer.items()}
    if found.get("appendonly") != "yes":
        return "Redis keeps no log of commands (appendonly no): results acknowledged here are lost when it stops"
    if found.get("appendfsync") != "always":
        lost = "of about the last second" if found.get("appendfsync") == "everysec" else "of the last minute or so"
        return (
            f"Redis writes its log to the disk too late (appendfsync {found.get('appendfsync')}): "
            f"when its machine stops, the results {lost} are lost; set appendfsync always"
        )
    if found.get("no-appendfsync-on-rewrite") == "yes":
        return (
            "Redis does not write its log through while it rewrites it: when its machine stops then, results are lost; "
            "set no-appendfsync-on-rewrite no"
        )
    if int(found.get("maxmemory") or 0) and found.get("maxmemory-policy", "").startswith("allkeys"):
        return (
            f"Redis throws keys away when its memory is full (maxmemory-policy {found['maxmemory-policy']}), "
            "acknowledged results among them; set maxmemory-policy noeviction"
        )
    return "full"


def without_name(url: str) -> tuple[str, str]:
    """Split ``?name=`` off, which is ours and not the driver's."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    name = query.pop("name", [""])[0]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True))), name


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
