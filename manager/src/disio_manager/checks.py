"""What a decoded link message must hold beyond its types.

Rule: whatever passes can be stored and shown as it is; the first thing wrong makes the message malformed.
"""

import math

from disio_manager.site_checks import check_sites
from disio_shared import messages
from disio_shared.abilities import MAX_ABILITIES, is_ability
from disio_shared.errors import MalformedMessage
from disio_shared.values import is_valid_value

MAX_ID = 100
MAX_TEXT = 1_000
MAX_ERROR_TEXT = 8_000
MAX_REFS = 100_000
MAX_NAMES = 1_000
MAX_KINDS = 16
MAX_TIME = 1e11
"""Seconds since 1970 that a clock may tell."""
OUTCOMES = frozenset(("done", "failed", "lost"))
MAX_SPACE = 10.0
"""A cache may be over its bound, but not beyond all reason."""


def check_message(message: messages.FromDistributor) -> None:
    """Check a message of a distributor.

    Raises:
        MalformedMessage: It holds what no honest distributor sends.
    """
    if isinstance(message, messages.Deliver):
        _check_deliver(message)
    elif isinstance(message, messages.Join):
        _check_join(message)
    elif isinstance(message, messages.Ask):
        _check_ask(message)
    elif isinstance(message, messages.Status):
        _check_status(message)
    elif isinstance(message, messages.Return):
        _check_refs(message.blocks, "return")
        _check_tries(message.tries)
    elif isinstance(message, messages.ClientRows | messages.Story | messages.Sites):
        _check_told(message)


def _check_told(message: messages.ClientRows | messages.Story | messages.Sites) -> None:
    """Check what the core never sees."""
    if isinstance(message, messages.ClientRows):
        _check_clients(message)
    elif isinstance(message, messages.Story):
        _check_story(message)
    else:
        check_sites(message)


def _check_ask(ask: messages.Ask) -> None:
    _require(ask.payloads >= 0 and ask.memory_mb >= 0, "ask: negative number")
    _require(len(ask.languages) <= MAX_ABILITIES and all(map(is_ability, ask.languages)), "ask: languages")
    _require(len(ask.kinds) <= MAX_KINDS and all(len(kind) <= MAX_ID for kind in ask.kinds), "ask: kinds")
    _require(max(len(ask.tasks), len(ask.only)) <= MAX_REFS, "ask: too many tasks")


def _check_status(status: messages.Status) -> None:
    _require(min(status.clients, status.slots, status.outbox, status.turned_away) >= 0, "status: negative number")
    _require(math.isfinite(status.rate) and status.rate >= 0, "status: rate")
    _require(0.0 <= status.space <= MAX_SPACE, "status: space")
    _require(len(status.durability) <= MAX_TEXT and status.durability.isprintable(), "status: durability")
    _require(len(status.kinds) <= MAX_NAMES and len(status.paused) <= MAX_REFS, "status: too many entries")
    _check_tallies(status, "status")
    _check_refs(status.held, "status")


def _check_tallies(told: messages.Status | messages.Deliver, what: str) -> None:
    _require(math.isfinite(told.since) and len(told.tallies) <= MAX_REFS, f"{what}: since, or too many tallies")
    counts = (min(tally.lost, tally.failed, tally.copies) for tally in told.tallies)
    _require(min(counts, default=0) >= 0, f"{what}: negative tally")


def _check_refs(refs: list[messages.BlockRef], what: str) -> None:
    _require(len(refs) <= MAX_REFS, f"{what}: too many blocks")
    _require(all(len(ref.manager) <= MAX_ID for ref in refs), f"{what}: manager")


def _check_tries(parts: list[messages.TryColumns]) -> None:
    _require(len(parts) <= MAX_NAMES, "tries: too many parts")
    for part in parts:
        number = len(part.indexes)
        columns = (part.clients, part.errors, part.lost)
        _require(number <= MAX_REFS and all(len(column) == number for column in columns), "tries: columns")
        _require(min(part.indexes, default=0) >= 0, "tries: negative index")
        _require(all(len(client) <= MAX_ID and client.isprintable() for client in part.clients), "tries: clients")
        _require(all(len(text) <= MAX_ERROR_TEXT for text in part.errors), "tries: text too long")
        _require(len(part.distributors) in (0, number) and len(part.ended_at) in (0, number), "tries: columns")
        _require(all(len(name) <= MAX_ID and name.isprintable() for name in part.distributors), "tries: distributors")
        _require(all(0 <= at < MAX_TIME for at in part.ended_at), "tries: times")


def _check_past(parts: list[messages.PastTries]) -> None:
    _require(len(parts) <= MAX_REFS, "past tries: too many parts")
    for part in parts:
        columns = (part.clients, part.distributors, part.outcomes, part.errors, part.logs, part.ended_at)
        _require(all(len(column) == len(part.indexes) for column in columns), "past tries: columns")
        _require(min(part.indexes, default=0) >= 0, "past tries: negative index")
        names = (*part.clients, *part.distributors)
        _require(all(len(name) <= MAX_ID and name.isprintable() for name in names), "past tries: names")
        _require(OUTCOMES.issuperset(part.outcomes), "past tries: outcomes")
        _require(all(len(text) <= MAX_ERROR_TEXT for text in (*part.errors, *part.logs)), "past tries: text too long")
        _require(all(0 <= at < MAX_TIME for at in part.ended_at), "past tries: times")


def _check_clients(rows: messages.ClientRows) -> None:
    number, columns = len(rows.ids), (rows.kinds, rows.slots, rows.languages, rows.sites, rows.software, rows.ages_s)
    _require(number <= MAX_NAMES and len(rows.busy) == number, "clients: columns")
    _require(all(len(column) == number for column in columns), "clients: columns")
    texts = [*rows.ids, *rows.kinds, *rows.sites, *rows.software, *(each for row in rows.languages for each in row)]
    _require(all(len(text) <= MAX_TEXT and text.isprintable() for text in texts), "clients: texts")
    _require(all(1 <= len(client) <= MAX_ID for client in rows.ids), "clients: ids")
    _require(all(len(row) <= MAX_ABILITIES for row in rows.languages), "clients: languages")
    _require(min([*rows.slots, *rows.busy, *rows.units, *rows.failures], default=0) >= 0, "clients: negative number")
    added = (rows.platforms, rows.units, rows.failures, rows.rates)
    _require(all(len(column) in (0, number) for column in added), "clients: columns")
    _require(all(len(text) <= MAX_TEXT and text.isprintable() for text in rows.platforms), "clients: platforms")
    _require(all(math.isfinite(rate) and rate >= 0 for rate in rows.rates), "clients: rates")
    _require(all(math.isfinite(age) and age >= 0 for age in rows.ages_s), "clients: ages")


def _check_story(story: messages.Story) -> None:
    number, columns = len(story.clients), (story.outcomes, story.errors, story.ages_s)
    _require(number <= MAX_NAMES and all(len(column) == number for column in columns), "story: columns")
    names = [*story.clients, *story.outcomes]
    _require(all(len(name) <= MAX_ID and name.isprintable() for name in names), "story: names")
    _require(all(len(text) <= MAX_ERROR_TEXT for text in story.errors), "story: text too long")
    _require(all(map(math.isfinite, story.ages_s)) and story.saved_bytes >= 0, "story: numbers")


def _check_join(join: messages.Join) -> None:
    _require(1 <= len(join.distributor) <= MAX_ID and join.distributor.isprintable(), "join: distributor")
    _require(1 <= len(join.name) <= MAX_TEXT and join.name.isprintable(), "join: name")
    is_web = join.url.startswith(("http://", "https://")) and join.url.isprintable()
    _require(is_web and len(join.url) <= MAX_TEXT, "join: url must be http:// or https://")
    _require(max(len(join.region), len(join.software), len(join.join_token)) <= MAX_TEXT, "join: text too long")
    _require(join.max_clients >= 0, "join: max_clients")
    _require(len(join.speaks) <= MAX_KINDS and all(len(each) <= MAX_ID for each in join.speaks), "join: speaks")
    _check_refs(join.held, "join")


def _check_deliver(deliver: messages.Deliver) -> None:
    _require(1 <= len(deliver.batch) <= MAX_ID, "deliver: batch")
    _check_tallies(deliver, "deliver")
    for part in deliver.results:
        _check_results(part)
    for votes in deliver.votes:
        _check_results(votes)
    _check_past(deliver.tries)
    for failures in deliver.failures:
        _require(len(failures.errors) == len(failures.indexes), "failures: columns differ in length")
        _require(min(failures.indexes, default=0) >= 0, "failures: negative index")
        texts = (text for errors in failures.errors for text in errors)
        _require(all(len(text) <= MAX_ERROR_TEXT for text in texts), "failures: text too long")


def _check_results(part: messages.ResultColumns | messages.VoteColumns) -> None:
    number = len(part.indexes)
    columns = (part.values, part.seconds, part.by)
    _require(all(len(column) == number for column in columns), "results: columns differ in length")
    _require(min(part.indexes, default=0) >= 0, "results: negative index")
    _require(min(part.by, default=0) >= 0 and max(part.by, default=-1) < len(part.clients), "results: by")
    _require(all(map(math.isfinite, part.seconds)), "results: seconds")
    _require(all(len(client) <= MAX_ID and client.isprintable() for client in part.clients), "results: clients")
    _require(all(map(is_valid_value, part.values)), "results: a value is neither JSON nor raw bytes")


def _require(is_fine: bool, what: str) -> None:
    if not is_fine:
        raise MalformedMessage(what)
