"""Who may check which results, against plain sets of indexes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from disio_distributor.core.votes import Votes
from disio_shared.ranges import Run, indexes_of

CLIENTS = "abc"
RUN = st.tuples(st.integers(0, 12), st.integers(1, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))
STEP = st.tuples(
    st.sampled_from(["computed", "voted", "tried", "handed_out", "given_back", "committed"]),
    st.sampled_from(CLIENTS),
    RUN,
)


class Model:
    """Every index for itself."""

    def __init__(self) -> None:
        self.results = Counter[int]()
        self.out = set[int]()
        self.tried: dict[str, set[int]] = {client: set() for client in CLIENTS}

    def apply(self, what: str, client: str, run: Run) -> None:
        indexes = set(range(*run))
        if what == "computed":
            self.results.update(indexes - self.results.keys())
        elif what == "voted":
            self.results.update(indexes & self.results.keys())
        elif what == "handed_out":
            self.out |= indexes
        elif what == "given_back":
            self.out -= indexes
        elif what == "committed":
            self.results = Counter({at: count for at, count in self.results.items() if at not in indexes})
        if what in ("computed", "voted", "tried"):
            self.tried[client] |= indexes

    def offer(self, client: str, max_results: int) -> set[int]:
        wanted = {index for index, count in self.results.items() if count < max_results}
        return wanted - self.out - self.tried[client]


def apply(votes: Votes, what: str, client: str, run: Run) -> None:
    if what in ("computed", "voted", "tried"):
        getattr(votes, what)(client, [run])
    else:
        getattr(votes, what)([run])


@given(st.lists(STEP, max_size=30), st.integers(1, 4))
def test_a_client_is_offered_exactly_what_its_result_would_count_for(
    steps: list[tuple[str, str, Run]], max_results: int
) -> None:
    votes, model = Votes([]), Model()
    for step in steps:
        apply(votes, *step)
        model.apply(*step)
        for client in CLIENTS:
            offered = set(indexes_of(votes.offer(client, 100, 100, max_results)))
            assert offered == model.offer(client, max_results)
            assert votes.has_any_for(client, max_results) == bool(offered)


def test_what_is_open_follows_a_change_of_how_many_results_a_task_wants() -> None:
    votes = Votes([])
    votes.computed("a", [(0, 4)])
    votes.voted("b", [(0, 2)])
    assert votes.offer("c", 100, 100, max_results=2) == [(2, 4)]
    assert votes.offer("c", 100, 100, max_results=3) == [(0, 4)]
    votes.voted("c", [(0, 1), (2, 4)])
    assert not votes.has_any_for("c", max_results=2)
    assert votes.has_any_for("c", max_results=3)
    assert not votes.has_any_for("a", max_results=3), "it has computed them all"
