"""The shape of the answer that tells where results come from.

Rule: see ``answers``.
"""

from msgspec import Raw

from disio_manager.api.answers import Shape, TaskItem


class OriginShown(Shape, kw_only=True, frozen=True):
    """What a client computed at a distributor."""

    client: str
    distributor: str
    results: int
    seconds: float
    """Of its time."""
    first_at: float
    last_at: float
    software: str | None
    """Of a client that is connected now."""


class OriginDistributor(Shape, kw_only=True, frozen=True):
    """A distributor whose clients computed results."""

    id: str
    name: str | None
    """Null, as the next one, when the manager has forgotten it."""
    software: str | None
    results: int


class Software(Shape, kw_only=True, frozen=True):
    """Versions of what took part, as far as they are known now."""

    manager: str
    protocol: int
    distributors: list[str]
    clients: list[str]


class Traced(Shape, kw_only=True, frozen=True):
    """When results came, and how long they took clients together."""

    first_at: float | None
    last_at: float | None
    seconds: float
    of_others: int
    """Results of clients beyond the 100,000 that are told apart."""


class Votes(Shape, kw_only=True, frozen=True):
    """Further results of payloads that have one."""

    agreeing: int
    differing: int


class Provenance(Shape, kw_only=True, frozen=True):
    """Where the results of a task come from."""

    at: float
    """When this was told."""
    cluster: str
    task: TaskItem
    document: Raw
    """In canonical form, edits included: sent again, it makes the same task."""
    document_sha256: str
    """Of it as it stands; that of the task is of the one that made it."""
    workunit_sha256: str
    done: int
    counted: int
    """Results that are in the numbers below; fewer than ``done`` where reading them all takes long: ask again."""
    results: Traced
    software: Software
    clients: list[OriginShown]
    """The first 1,000 by results."""
    clients_total: int
    distributors: list[OriginDistributor]
    votes: Votes
