"""What a distributor's messages may say: batches that make sense, columns that match, addresses that are addresses.

Rule: a message that makes no sense costs its own work at most. Pure.
"""

from collections.abc import Iterator

from disio_shared.messages import Assign


def is_http(url: str) -> bool:
    """Tell whether this is a place a client can go to."""
    return url.startswith(("http://", "https://"))


def assign_problem(assign: Assign, languages: list[str]) -> str:
    """Return why a batch cannot be taken by a client of these languages, or nothing."""
    if assign.language not in languages:
        return f"this client does not run {assign.language}"
    if not assign.indexes or len(assign.payloads) != len(assign.indexes):
        return "its columns do not match"
    if len(set(assign.indexes)) != len(assign.indexes):
        return "it names an index twice"
    return ""


def units_of(tokens: list[str], indexes: list[list[int]]) -> Iterator[tuple[str, set[int]]]:
    """Return each token of a Cancel with its units; an empty set stands for all of them."""
    for at, token in enumerate(tokens):
        yield token, set(indexes[at]) if at < len(indexes) else set()


def part_by_size(values: list[bytes], places: list[int], limit: int) -> tuple[list[int], list[int]]:
    """Return which of these places hold values within the limit, in bytes, and which over it; 0 = no limit."""
    large = [at for at in places if len(values[at]) > limit] if limit else []
    return ([at for at in places if len(values[at]) <= limit] if large else places), large
