"""Small documents that several managers may change: one of each name, with a version.

Rule: a document is replaced as a whole, and only by who has seen the version that it replaces.
"""

from typing import NamedTuple, Protocol

MAX_BYTES = 8 << 20
"""Of one document."""


class Versioned(NamedTuple):
    """A document as it is stored."""

    version: int
    body: bytes


class DocumentStore(Protocol):
    """Keeps documents."""

    async def version(self, name: str) -> int:
        """Return the version of a document; 0 = there is none."""
        ...

    async def read(self, name: str) -> Versioned | None:
        """Return a document, if there is one."""
        ...

    async def replace(self, name: str, new: Versioned, old: int) -> bool:
        """Put a document in place of version ``old`` (0 = of none); False, and nothing is changed, if another is there.

        Args:
            name: Of the document.
            new: At most ``MAX_BYTES``, with a higher version.
            old: The version that it was made from.
        """
        ...


class HasDocuments(Protocol):
    """A store that keeps documents."""

    @property
    def documents(self) -> DocumentStore:
        """Where they are."""
        ...
