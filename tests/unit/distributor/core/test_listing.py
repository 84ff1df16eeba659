"""Clients as a manager may see them."""

from disio_shared import messages
from tests.unit.distributor.core.bench import Bench
from tests.unit.distributor.core.scenes import assigned, serving


def told(bench: Bench, after: str = "", limit: int = 100, **wanted: str) -> messages.ClientRows:
    """Return the answer to a question."""
    bench.manager(messages.ListClients(request=len(bench.said) + 1, after=after, limit=limit, **wanted))
    rows = bench.to_manager(messages.ClientRows)[-1]
    assert rows.request == len(bench.said)
    return rows


def test_clients_are_told_in_the_order_of_their_ids_a_page_at_a_time() -> None:
    bench = Bench()
    bench.admit()
    assert told(bench) == messages.ClientRows(request=len(bench.said), total=0)
    for name in ("d", "a", "c", "b"):
        bench.join(f"session of {name}", name)
    pages = [told(bench, limit=3), told(bench, "c", 3), told(bench, "d", 3)]
    assert [page.ids for page in pages] == [["a", "b", "c"], ["d"], []]
    assert [page.is_end for page in pages] == [False, True, True]
    assert told(bench, limit=4).is_end and told(bench, limit=0).ids == []


def test_only_those_that_match_are_told_and_all_of_them_counted() -> None:
    bench = serving()
    for name in ("a", "b", "c"):
        bench.join(name, kind="web" if name < "c" else "cli", site=f"Site {name}", software="disio 1")
    assign = assigned(bench, "a")
    bench.results("a", assign.token, assign.indexes[:1])
    page = told(bench, limit=1, kind="web")
    assert (page.ids, page.total, page.is_end) == (["a"], 2, False)
    assert (page.units, page.failures) == ([1], [0]) and page.rates[0] > 0
    assert told(bench, state="busy").ids == ["a"] and told(bench, state="idle").ids == ["b", "c"]
    assert told(bench, text="site B").ids == ["b"] and told(bench, text="nowhere").total == 0
    assert told(bench, "b", limit=0).total == 3


def test_what_they_are_and_do_is_told() -> None:
    bench = serving()
    bench.join("a", "c-1", kind="web", cores=3, languages=["wasm", "javascript"], site="demo", software="disio-web 1")
    assign = assigned(bench, "a", 3)
    bench.wait(2.5)
    rows = told(bench)
    assert (rows.ids, rows.kinds, rows.slots, rows.sites) == (["c-1"], ["web"], [3], ["demo"])
    assert (rows.languages, rows.software, rows.ages_s) == ([["javascript", "wasm"]], ["disio-web 1"], [2.5])
    assert rows.busy == [len(assign.indexes)]
    bench.join("a", "c-1")
    assert told(bench).ids == ["c-1"], "a client that came again is one"


def test_what_they_say_of_themselves_is_passed_on_so_that_any_manager_takes_it() -> None:
    bench = Bench()
    bench.admit(cluster="k")
    bench.join("a", site="x" * 9_000, software="\n\x00ü", languages=["python-native:k", "python-native:other"])
    rows = told(bench)
    assert rows.sites == ["x" * 200] and rows.software == ["??ü"]
    assert rows.languages == [["python-native:k"]], "whom else it trusts is not this manager's business"
