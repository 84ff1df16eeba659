"""Several managers: what stands for a cluster, what is taken in, and that nothing of one is sent to another."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import msgspec
import pytest

from disio_dashboard.app import DashboardApp
from disio_dashboard.clusters import MAX_FOUND, Place, Places, grouped, key_of
from disio_dashboard.settings import Settings
from disio_dashboard.upstream import FixedAddress, Upstream
from disio_shared.datadir import DataDir
from disio_shared.discovery import MANAGER_TYPE, ManagerAddress
from disio_shared.errors import ConfigError
from disio_shared.vouching import PROOF_HEADER
from tests.unit.dashboard.standin_manager import TOKEN, StandinManager, standin_manager

PASSWORD = "correct horse battery"
Browser = Callable[[], aiohttp.ClientSession]


def place(key: str, cluster: str = "", is_found: bool = False, is_there: bool = True) -> Place:
    upstream = Upstream(FixedAddress(f"http://{key}:1"))
    return Place(key, upstream, cluster=cluster, is_found=is_found, is_there=is_there)


def announced(nth: int, cluster: str = "c") -> ManagerAddress:
    return ManagerAddress(f"lab-{nth:05}.{MANAGER_TYPE}", f"http://192.0.2.{nth}:8700", cluster, 1, "k", 1)


def keys(groups: list[list[Place]]) -> list[list[str]]:
    return [[each.key for each in members] for members in groups]


def test_managers_of_one_cluster_are_one_row() -> None:
    away, there = place("a", "x", is_there=False), place("b", "x")
    other, silent = place("c", "y"), place("d")
    assert keys(grouped([away, there, other, silent], [])) == [["b", "a"], ["c"], ["d"]]
    assert keys(grouped([away, there, other], ["a"])) == [["a", "b"], ["c"]], "where somebody is signed in"
    assert keys(grouped([place("e"), place("f")], [])) == [["e"], ["f"]], "no cluster told: each by itself"


def test_an_announced_manager_never_stands_before_a_named_one_of_its_cluster() -> None:
    """Anybody on the network can announce any cluster, even while its manager is away."""
    spoofed, named = place("s", "x", is_found=True), place("n", "x", is_there=False)
    assert keys(grouped([spoofed, named], [])) == [["n", "s"]]


async def test_what_is_found_is_bounded_and_the_gone_make_room(tmp_path: Path) -> None:
    places = Places(Settings(manager=["http://127.0.0.1:1", "zeroconf"]), DataDir(tmp_path))
    for nth in range(MAX_FOUND + 2):
        places._found(announced(nth))
    assert len(list(places)) == 1 + MAX_FOUND and places.left_out == 2
    places._lost(announced(3).name)
    places._found(announced(200))
    assert len(list(places)) == 1 + MAX_FOUND
    assert places.get(key_of(announced(3).url)) is None
    assert places.get(key_of(announced(200).url)) is not None
    await places.close()


async def test_a_manager_is_known_by_its_address_alone(tmp_path: Path) -> None:
    places = Places(Settings(manager="zeroconf"), DataDir(tmp_path))
    assert places._finder is not None
    places._finder._found(announced(1, "x"))
    places._finder._found(announced(2, "x"))
    first, second = places
    assert (first.address, first.is_own, first.title) == ("192.0.2.1:8700", True, "lab")
    assert (second.address, second.is_own) == ("192.0.2.2:8700", False), "the same cluster, and yet not its token"
    await places.close()


def test_several_are_named_as_a_list_or_with_commas() -> None:
    assert Settings().managers == ("local",)
    assert Settings(manager="http://a, zeroconf,http://a").managers == ("http://a", "zeroconf")
    assert Settings(manager=["local", "http://b"]).managers == ("local", "http://b")
    with pytest.raises(ConfigError, match="32 at most"):
        Settings(manager=[f"http://m{nth}" for nth in range(33)])


@pytest.fixture
async def second() -> AsyncIterator[StandinManager]:
    async with standin_manager() as running:
        running.people["ada"] = PASSWORD
        yield running


@pytest.fixture
async def both(
    settings: Settings, static_dir: Path, manager: StandinManager, second: StandinManager
) -> AsyncIterator[DashboardApp]:
    manager.people["ada"] = PASSWORD
    app = DashboardApp(msgspec.structs.replace(settings, manager=[manager.url, second.url]), static_dir)
    await app.start()
    yield app
    await app.stop()


def address(app: DashboardApp) -> str:
    return app.login_link().rpartition("/login")[0]


async def sign_in(session: aiohttp.ClientSession, url: str, **form: str) -> tuple[int, str]:
    async with session.post(f"{url}/login", data=form, allow_redirects=False) as response:
        return response.status, await response.text()


async def test_a_session_is_known_to_its_own_manager_alone(
    both: DashboardApp, browser_of: Browser, manager: StandinManager, second: StandinManager
) -> None:
    url, browser = address(both), browser_of()
    status, _ = await sign_in(browser, url, name="ada", password=PASSWORD, cluster=key_of(second.url))
    assert status == 303
    assert manager.requests == [], "neither name nor password went to the other one"
    async with browser.get(f"{url}/api/tasks") as response:
        assert response.status == 200
    assert {request.headers["Authorization"] for request in second.requests if request.path == "/api/tasks"} == {
        f"Bearer {next(iter(second.secrets))}"
    }
    assert not any(PROOF_HEADER in request.headers for request in second.requests)
    assert manager.requests == []
    # What the other one is chosen for has no session there, whatever the cookies of the first say.
    async with browser.get(f"{url}/login", params={"cluster": key_of(manager.url)}, allow_redirects=False) as response:
        assert response.status == 200 and "What you type is sent to this address alone" in await response.text()
    async with browser.get(both.login_link(), allow_redirects=False) as response:
        assert response.status == 303
    async with browser.get(f"{url}/api/tasks") as response:
        assert response.status == 200
    assert {request.headers.get("Authorization") for request in manager.requests if request.path == "/api/tasks"} == {
        f"Bearer {TOKEN}"
    }
    async with browser.get(f"{url}/clusters") as response:
        rows = (await response.json())["items"]
    assert [(row["address"], row["state"], row["signed_in"], row["chosen"]) for row in rows] == [
        (manager.url[7:], "online", True, True),
        (second.url[7:], "online", True, False),
    ]
    looked = [request for request in second.requests if request.path == "/api/link"]
    assert looked and not any("Authorization" in request.headers for request in looked)
    async with browser.get(f"{url}/login", params={"cluster": key_of(second.url)}, allow_redirects=False) as response:
        assert response.status == 303, "it goes back without a password"
    async with browser.get(f"{url}/session") as response:
        assert (await response.json())["cluster"] == key_of(second.url)


async def test_a_cookie_of_one_manager_opens_no_other(
    both: DashboardApp, browser_of: Browser, second: StandinManager
) -> None:
    url, browser = address(both), browser_of()
    await sign_in(browser, url, name="ada", password=PASSWORD, cluster=key_of(second.url))
    (secret,) = [each.value for each in browser.cookie_jar if each.key.endswith(key_of(second.url))]
    port = url.rpartition(":")[2]
    async with (
        aiohttp.ClientSession(cookies={f"disio-{port}": secret}) as forged,
        forged.get(f"{url}/api/me") as answer,
    ):
        assert answer.status == 401


async def test_a_page_of_one_manager_changes_nothing_at_another(
    both: DashboardApp, browser_of: Browser, second: StandinManager
) -> None:
    """A tab that was opened before the choice changed still holds the other session's token."""
    url, browser = address(both), browser_of()
    async with browser.get(both.login_link()) as response:
        assert response.status == 200
    async with browser.get(f"{url}/session") as response:
        old = (await response.json())["csrf"]
    await sign_in(browser, url, name="ada", password=PASSWORD, cluster=key_of(second.url))
    async with browser.post(f"{url}/api/echo", headers={"X-Disio-Csrf": old}) as response:
        assert response.status == 403
    assert not any(request.path == "/api/echo" for request in second.requests)


async def test_the_dashboards_own_token_is_sent_to_no_other_manager(
    both: DashboardApp, browser_of: Browser, second: StandinManager
) -> None:
    status, text = await sign_in(browser_of(), address(both), token=TOKEN, cluster=key_of(second.url))
    assert status == 403 and "It was not sent" in text
    assert second.requests == []


async def test_wrong_tries_are_counted_by_manager(
    both: DashboardApp, browser_of: Browser, manager: StandinManager, second: StandinManager
) -> None:
    """Who is known at one manager does not wipe out what they tried at another."""
    url, browser = address(both), browser_of()
    for _ in range(5):
        assert (await sign_in(browser, url, name="ada", password="guess"))[0] == 403
    assert (await sign_in(browser, url, name="ada", password=PASSWORD, cluster=key_of(second.url)))[0] == 303
    assert (await sign_in(browser, url, name="ada", password=PASSWORD, cluster=key_of(manager.url)))[0] == 429
    assert (await sign_in(browser, url, name="ada", password=PASSWORD, cluster="none"))[0] == 409


async def test_one_manager_needs_no_choice(dashboard: DashboardApp, member: aiohttp.ClientSession, url: str) -> None:
    async with member.get(f"{url}/clusters") as response:
        told = await response.json()
    assert (told["total"], told["changes"]) == (1, False)
    assert len(list(member.cookie_jar)) == 1
    async with aiohttp.ClientSession() as nobody:
        async with nobody.get(f"{url}/login") as response:
            assert "<select" not in await response.text()
        async with nobody.get(f"{url}/clusters") as response:
            assert response.status == 401
