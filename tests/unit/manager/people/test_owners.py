"""Whose tasks a verb on many may change."""

from tests.unit.manager.api.test_bulk import ended, use
from tests.unit.manager.people.signed import signed_in
from tests.unit.manager.served import Served


async def test_a_researcher_uses_a_verb_on_their_own_tasks_alone(people: Served) -> None:
    others = await people.create()
    async with signed_in(people, "ada", "researcher") as ada, signed_in(people, "ben", "researcher") as ben:
        own, bens = await ada.create(), await ben.create()
        job = await ended(ada, await use(ada, "cancel", all=True))
        assert (job["matched"], job["done"], job["refused"]) == (3, 1, 2)
        assert {each["task"]: each["code"] for each in job["refusals"]} == {
            others["id"]: "forbidden",
            bens["id"]: "forbidden",
        }
    states = {each["id"]: each["state"] for each in (await people.call("GET", "/api/tasks"))["items"]}
    assert states == {own["id"]: "cancelled", others["id"]: "queued", bens["id"]: "queued"}
    told = (await people.call("GET", "/api/audit", params={"verb": "use_bulk"}))["items"]
    assert [(each["who"], each["outcome"]) for each in told] == [("ada", "ok")]
    named = told[0]["detail"].removeprefix("cancel of 3 tasks: ").split()
    assert sorted(named) == sorted([own["id"], bens["id"], others["id"]])


async def test_an_operator_uses_it_on_all(people: Served) -> None:
    await people.create()
    async with signed_in(people, "olga", "operator") as olga:
        job = await ended(olga, await use(olga, "pause", all=True))
        assert (job["done"], job["refused"]) == (1, 0)
