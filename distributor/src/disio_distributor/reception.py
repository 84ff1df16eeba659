"""Who is let in: the checks of a Hello, and the identity a client keeps.

Rule: a secret is stored as its hash and compared in constant time; a wrong one earns a new identity, never the old one.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from disio_distributor.core.keyring import Keyring
from disio_distributor.core.obeying import BLOCKED
from disio_distributor.core.records import KnownClient
from disio_distributor.core.standing import Standing
from disio_distributor.stores.base import ServingCache
from disio_shared import messages
from disio_shared.abilities import MAX_ABILITIES, is_ability
from disio_shared.clock import Clock
from disio_shared.errors import MalformedMessage, VersionMismatch
from disio_shared.ids import fresh_id, fresh_secret

MAX_CORES = 4096
MAX_TEXT = 200
MAX_HOLDING = 1000
KINDS = ("web", "cli")
RETRY_FULL_S = 30.0
RETRY_DRAINING_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLinkSettings:
    """What the client link must know."""

    name: str
    """The distributor's name, for people."""
    max_clients: int
    hello_timeout_s: float
    heartbeat_s: float
    max_result_bytes: int
    max_state_bytes: int
    public_url: str = ""
    """Where clients reach us, when that is not the address we listen on."""


class Reception:
    """Decides about newcomers.

    Args:
        settings: Limits and names.
        cache: Knows the clients that were here before.
        siblings: Returns base URLs of other distributors, best first.
        clock: Wall time for what is remembered.
        standing: Returns what operators want.
        keyring: Returns the clusters' keys: a client id that a sibling gave is the client's here too.
    """

    def __init__(
        self,
        settings: ClientLinkSettings,
        cache: ServingCache,
        siblings: Callable[[], list[str]],
        clock: Clock,
        standing: Callable[[], Standing] = lambda: Standing({}),
        keyring: Callable[[], Keyring | None] = lambda: None,
    ) -> None:
        self._settings, self._cache, self._siblings, self._clock = settings, cache, siblings, clock
        self._standing, self._keyring = standing, keyring
        self.turned_away = 0
        """Newcomers refused or redirected for want of places so far."""

    def refusal(
        self, hello: messages.Hello, joined: int, is_draining: bool
    ) -> messages.Refused | messages.Redirect | None:
        """Return why a client is not let in, or None when it is."""
        if hello.version != messages.PROTOCOL_VERSION:
            mismatch = VersionMismatch(hello.version, messages.PROTOCOL_VERSION)
            return messages.Refused(code=mismatch.code, reason=str(mismatch))
        if not is_draining and joined < self.places:
            return None
        self.turned_away += not is_draining
        code = "draining" if is_draining else "full"
        reason = "this distributor stops" if is_draining else f"{joined} clients are here"
        siblings = self._siblings()
        if siblings:
            return messages.Redirect(url=siblings[0], reason=reason)
        retry_s = RETRY_DRAINING_S if is_draining else RETRY_FULL_S
        return messages.Refused(code=code, reason=reason, retry_after_s=retry_s)

    @property
    def places(self) -> int:
        """Return how many clients are let in at most."""
        return min(self._settings.max_clients, self._standing().max_clients or self._settings.max_clients)

    def outlaw(self, client: str) -> messages.Refused | None:
        """Return why an identified client is not let in: an operator has blocked it; else None."""
        is_blocked = client in self._standing().blocked
        return messages.Refused(code="blocked", reason=BLOCKED) if is_blocked else None

    async def identify(self, hello: messages.Hello) -> tuple[str, str]:
        """Return the client's id and secret: its own when the secret is right, else fresh ones.

        Raises:
            StoreUnavailable: The cache does not answer.
        """
        client, secret = hello.client_id, hello.secret
        known = await self._cache.client(client) if client else None
        digest = _digest(secret)
        is_own = known is not None and hmac.compare_digest(known.secret_hash, digest)
        keyring = self._keyring()
        if not is_own and (keyring is None or not keyring.fits(client, secret)):
            client = fresh_id(16)
            secret = (keyring.secret_of(client) if keyring is not None else "") or fresh_secret()
            digest = _digest(secret)
        seen = KnownClient(id=client, secret_hash=digest, kind=hello.kind, last_seen=self._clock.wall())
        await self._cache.put_client(seen)
        return client, secret

    def welcome(self, client: str, secret: str) -> messages.Welcome:
        """Return the answer to a client that is in."""
        return messages.Welcome(
            version=messages.PROTOCOL_VERSION,
            client_id=client,
            secret=secret,
            distributor=self._settings.name,
            heartbeat_s=self._settings.heartbeat_s,
            max_result_bytes=self._settings.max_result_bytes,
            max_state_bytes=self._settings.max_state_bytes,
            siblings=self._siblings(),
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def check_hello(hello: messages.Hello) -> None:
    """Refuse by name what no client of ours would say.

    Raises:
        MalformedMessage: A field is out of its range.
    """
    texts = (hello.client_id, hello.secret, hello.name, hello.site, hello.origin, hello.software, hello.prefers)
    rules = [
        ("kind", hello.kind in KINDS),
        ("languages", 0 < len(hello.languages) <= MAX_ABILITIES and all(map(is_ability, hello.languages))),
        ("cores", 1 <= hello.cores <= MAX_CORES),
        ("memory_mb", 0 <= hello.memory_mb <= 1 << 30),
        ("client_id, secret, name, site, prefers or software", all(len(text) <= MAX_TEXT for text in texts)),
        ("holding", len(hello.holding) <= MAX_HOLDING),
    ]
    for field, is_fine in rules:
        if not is_fine:
            raise MalformedMessage(f"Hello.{field} is out of range")
