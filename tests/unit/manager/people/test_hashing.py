"""Password hashes: few at a time, and few who wait."""

import asyncio
import threading

import pytest

from disio_manager.people.hashing import AT_A_TIME, MAX_WAITING, Hasher, TooManySigningIn
from disio_manager.people.names import name_problem, password_problem


async def test_a_hash_is_argon2id_salted_and_found_outdated_by_other_parameters() -> None:
    hasher, other = Hasher(passes=1, memory_kib=64), Hasher(passes=2, memory_kib=64)
    one, two = await hasher.hash("correct horse"), await hasher.hash("correct horse")
    assert one.startswith("$argon2id$v=19$m=64,t=1,p=1$") and one != two
    assert await hasher.check("correct horse", one) == (True, False)
    assert await other.check("correct horse", one) == (True, True)
    for password, kept in (("Correct horse", one), ("correct horse", None), ("x\ud800", one), ("x", "no hash")):
        assert not (await hasher.check(password, kept)).is_right
    assert not (await hasher.check("nobody's password", None)).is_right
    for each in (hasher, other):
        each.close()


async def test_two_are_worked_out_at_a_time_few_wait_and_the_rest_is_refused() -> None:
    hasher, gate, running, most = Hasher(passes=1, memory_kib=64), threading.Event(), [0], [0]
    check = hasher._check

    def slow(password: str, kept: str | None) -> object:
        running[0] += 1
        most[0] = max(most[0], running[0])
        gate.wait(10)
        running[0] -= 1
        return check(password, kept)

    hasher._check = slow  # type: ignore[method-assign,assignment]
    asked = [asyncio.create_task(hasher.check("x", None)) for _ in range(AT_A_TIME + MAX_WAITING)]
    while hasher._waiting < MAX_WAITING:
        await asyncio.sleep(0)
    with pytest.raises(TooManySigningIn):
        await hasher.check("x", None)
    asked[-1].cancel()  # who gives up makes room
    await asyncio.wait([asked[-1]])
    assert hasher._waiting == MAX_WAITING - 1
    gate.set()
    verdicts = await asyncio.gather(*asked[:-1])
    assert not any(verdict.is_right for verdict in verdicts) and most[0] == AT_A_TIME
    hasher.close()


def test_names_and_passwords() -> None:
    for name in ("ada", "a", "0.x-y_z", "a" * 32):
        assert name_problem(name) is None
    for name in ("", "Ada", "-a", "a b", "a/b", "a\n", "é", "a" * 33, "machine", "system", "token:x"):
        assert name_problem(name) is not None, name
    assert password_problem("0123456789", "ada") is None and password_problem("é" * 200, "ada") is None
    assert password_problem("e\u0301" * 200, "ada") is None, "composed it has 200 characters"
    for password in ("012345678", "x" * 201, "e\u0301" * 9, "Ada.Lovelace", "0123456789\ud800"):
        assert password_problem(password, "ada.lovelace") is not None, password
