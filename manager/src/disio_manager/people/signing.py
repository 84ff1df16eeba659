"""Signing in, and telling from a secret who calls.

Rule: what the database says holds at every manager of the cluster within ``TRUSTED_S``; what this manager changes by
itself holds here at once.
"""

import contextlib
import hashlib
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from disio_manager.people.hashing import Hasher
from disio_manager.people.names import password_problem
from disio_manager.people.roles import Caller, lower
from disio_manager.people.waits import Waits
from disio_manager.stores.people import Pass, PeopleStore, Person
from disio_shared.clock import Clock
from disio_shared.errors import FieldProblem, InvalidDocument, NotAuthorized, RefusedError, StoreUnavailable
from disio_shared.ids import fresh_id, fresh_secret

IDLE_S = 12 * 3600.0
"""A session that is not used for so long is over."""
SESSION_S = 30 * 86_400.0
"""A session is over after so long, however much it is used."""
COARSE_S = 300.0
"""How exactly the database knows when a pass was last used."""
TRUSTED_S = 5.0
"""For how long what was read of a pass is believed."""
MAX_CACHED = 10_000


class WrongPassword(NotAuthorized):
    """Name and password do not belong together; which of them is wrong is nobody's business."""

    code = "wrong-password"

    def __init__(self) -> None:
        super().__init__("name or password is wrong")


class TooManyTries(RefusedError):
    """Wrong passwords came from here, or for this name."""

    code = "too-many-tries"
    http_status = 429

    def __init__(self, wait_s: float) -> None:
        self.wait_s = max(1, round(wait_s + 0.5))
        super().__init__(f"too many wrong passwords: try again in {self.wait_s} s")


class Given(NamedTuple):
    """A pass that was just made."""

    secret: str
    """Shown once: what is kept leads to no secret."""
    kept: Pass


class _Known(NamedTuple):
    """What the database said of a secret lately; a secret that is none is remembered too."""

    read_at: float
    kept: Pass | None
    person: Person | None


class People:
    """Who may call.

    Args:
        store: Keeps them.
        clock: Now.
        hasher: Of passwords.
    """

    def __init__(self, store: PeopleStore, clock: Clock, hasher: Hasher | None = None) -> None:
        self.store, self.clock, self.hasher = store, clock, hasher or Hasher()
        self.waits = Waits()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def sign_in(self, name: str, password: str, address: str, label: str) -> tuple[Person, Given]:
        """Begin a session.

        Raises:
            WrongPassword: There is no such user, the password is another, or the user is disabled.
            TooManyTries: It has to wait.
            TooManySigningIn: Too many passwords are checked already.
            StoreUnavailable: The database does not answer.
        """
        person = await self.store.person(name)
        await self._check(name, person, password, address)
        assert person is not None
        return person, await self._begin(person, address, label)

    async def _check(self, name: str, person: Person | None, password: str, address: str) -> None:
        """Return when this is the password of somebody who may sign in.

        Raises:
            WrongPassword, TooManyTries, TooManySigningIn: It is not, or not yet.
        """
        now = self.clock.steady()
        wait_s = self.waits.retry_after(name, address, now)
        if wait_s > 0 and person is not None and await self._has_session_from(person, address):
            self.waits.know(name, address)
            wait_s = self.waits.retry_after(name, address, now)
        if wait_s > 0:
            raise TooManyTries(wait_s)
        self.waits.count(name, address, now)  # before the check, so that guesses side by side count as well
        try:
            verdict = await self.hasher.check(password, None if person is None else person.hash)
        except BaseException:
            self.waits.take_back(name, address)
            raise
        if person is None or not verdict.is_right or person.disabled:
            raise WrongPassword
        self.waits.forgive(name, address)
        if verdict.is_outdated:
            anew = msgspec.structs.replace(person, hash=await self.hasher.hash(password))
            await self.store.change(anew, person.epoch)

    async def _has_session_from(self, person: Person, address: str) -> bool:
        return any(each.address == address for each in await self.store.passes("session", person.id))

    async def _begin(self, person: Person, address: str, label: str) -> Given:
        now = self.clock.wall()
        made = self.fresh(
            Pass(
                id=fresh_id(),
                hash="",
                kind="session",
                owner=person.id,
                owner_name=person.name,
                role=person.role,
                label=label[:200],
                address=address,
                created_at=now,
                expires_at=now + SESSION_S,
                used_at=now,
                epoch=person.epoch,
            )
        )
        await self.store.add_pass(made.kept)
        return made

    @staticmethod
    def fresh(wanted: Pass) -> Given:
        """Return a pass with a secret of 256 bits."""
        secret = fresh_secret()
        return Given(secret, msgspec.structs.replace(wanted, hash=digest(secret)))

    async def caller(self, secret: str) -> Caller | None:
        """Return whose secret this is, or None.

        Raises:
            StoreUnavailable: The database does not answer, and it was not asked lately.
        """
        key, now = digest(secret), self.clock.wall()
        known = self._known.get(key)
        if known is None or not 0 <= now - known.read_at < TRUSTED_S:
            known = await self._read(key, now)
        caller = _caller(known, now)
        kept = known.kept
        if caller is not None and kept is not None and now - kept.used_at >= COARSE_S:
            self._known[key] = known._replace(kept=msgspec.structs.replace(kept, used_at=now))
            with contextlib.suppress(StoreUnavailable):  # the call itself may not need the database
                await self.store.use_pass(kept.id, now, kept.epoch)
        return caller

    async def _read(self, key: str, now: float) -> _Known:
        kept = await self.store.pass_of(key)
        person = await self.store.person_by_id(kept.owner) if kept is not None and kept.owner else None
        known = self._known[key] = _Known(now, kept, person)
        self._known.move_to_end(key)
        while len(self._known) > MAX_CACHED:
            self._known.popitem(last=False)
        return known

    def forget(self) -> None:
        """Believe nothing that was read before: users or passes were changed."""
        self._known.clear()

    async def own_password(self, caller: Caller, old: str, new: str, address: str) -> Person:
        """Change the password of who calls; their other sessions end.

        Raises:
            InvalidDocument: The new one cannot be a password.
            WrongPassword, TooManyTries, TooManySigningIn: The old one is wrong, or cannot be checked yet.
            RefusedError: Who calls is no user.
        """
        person = await self.store.person_by_id(caller.person) if caller.person else None
        if person is None or caller.how != "session":
            raise RefusedError("only a user who signed in has a password to change")
        check_password(new, person.name)
        await self._check(person.name, person, old, address)
        person = await self.store.person_by_id(caller.person) or person  # its hash may just have been renewed
        changed = msgspec.structs.replace(person, hash=await self.hasher.hash(new), epoch=person.epoch + 1)
        if not await self.store.change(changed, person.epoch):
            raise RefusedError("the user was changed at this moment: sign in again")
        await self.store.use_pass(caller.pass_id, self.clock.wall(), changed.epoch)
        await self.store.end_sessions(person.id, but=caller.pass_id)
        self.forget()
        return changed


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def check_password(password: str, name: str, path: str = "password") -> None:
    """Refuse what cannot be somebody's password.

    Raises:
        InvalidDocument: So it is.
    """
    problem = password_problem(password, name)
    if problem is not None:
        raise InvalidDocument([FieldProblem(path, problem)])


def ends_at(kept: Pass) -> float:
    """Return when a pass is over, if it is not used any more."""
    return min(kept.expires_at, kept.used_at + IDLE_S) if kept.kind == "session" else kept.expires_at


def _caller(known: _Known, now: float) -> Caller | None:
    kept, person = known.kept, known.person
    if kept is None or now >= ends_at(kept):
        return None
    if not kept.owner:
        return Caller(f"token:{kept.id}", kept.role, "token", "", kept.id)
    if person is None or person.disabled:
        return None
    if kept.kind == "token":
        return Caller(person.name, lower(kept.role, person.role), "token", person.id, kept.id)
    if kept.epoch != person.epoch:
        return None
    return Caller(person.name, person.role, "session", person.id, kept.id)
