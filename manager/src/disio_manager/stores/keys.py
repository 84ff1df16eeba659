"""Idempotency keys: which request made which task.

Rule: a key is taken before its task is made, so two requests with one key never make two.
"""

from typing import Protocol

import msgspec

KEPT_S = 7 * 86_400.0
"""A key is kept for so long after it was last used."""


class StoredKey(msgspec.Struct, frozen=True):
    """What a key stands for."""

    document_sha256: str
    """Of the canonical document that came with it first."""
    task: str
    """Id of the task it makes, or has made."""
    is_void: bool = False
    """Somebody deleted that task, or was about to."""


class KeyStore(Protocol):
    """Keeps keys; each call is atomic."""

    async def remember(self, key: str, document_sha256: str, task: str, at: float) -> StoredKey:
        """Take a key, or find what it was taken for before; either way it was used at ``at`` (seconds since 1970).

        Args:
            key: Its hash.
            document_sha256: Of the document that comes with it now.
            task: The id its task gets when the key is free.
            at: Now.
        """
        ...

    async def free(self, key: str) -> None:
        """Free a key whose task could not be made."""
        ...

    async def void(self, task: str) -> None:
        """Note that a task is about to be deleted: its key makes none anew."""
        ...

    async def drop_keys(self, before: float) -> None:
        """Free the keys that were last used before a time."""
        ...


class HasKeys(Protocol):
    """A store that keeps keys."""

    @property
    def keys(self) -> KeyStore:
        """Where they are."""
        ...
