"""What is counted of sites."""

from disio_distributor.core.visits import DAY_S, GRACE_S, MAX_SITES, OTHERS, UNKNOWN, Visits, site_of
from disio_shared.messages import SiteDay
from disio_shared.visit_lengths import median_of

WALL = 20_000 * DAY_S
A = "https://a.example"


def only(visits: Visits) -> SiteDay:
    (row,) = visits.changed()
    return row


def test_a_visit_counts_once_when_it_ends_and_a_broken_connection_does_not_split_it() -> None:
    visits = Visits([])
    visits.came("c", A, "demo", 100.0, WALL)
    visits.went("c", 110.0)
    visits.tick(110.0 + GRACE_S / 2, WALL)
    visits.came("c", A, "demo", 120.0, WALL)
    assert only(visits).visits == 0 and visits.active() == {A: 1}
    visits.worked("c", 7, 3.5, WALL)
    visits.went("c", 160.0)
    visits.tick(161.0 + GRACE_S, WALL)
    row = only(visits)
    assert (row.site, row.day, row.name, row.version) == (A, 20_000, "demo", 2)
    assert (row.visits, row.visit_seconds, row.units, row.unit_seconds) == (1, 60.0, 7, 3.5)
    assert visits.active() == {} and visits.changed() == []


def test_numbers_go_on_where_they_were_kept_and_the_end_of_the_process_ends_visits() -> None:
    visits = Visits([])
    visits.opened(f"{A}/page?x=1", WALL)
    visits.answered(A, "granted", WALL)
    again = Visits([only(visits)])
    again.came("c", A, "", 0.0, WALL)
    again.tick(5.0, WALL, is_last=True)
    row = only(again)
    assert (row.opened, row.granted, row.visits, row.version) == (1, 1, 1, 2)
    median = median_of(row.lengths)
    assert median is not None and abs(median - 5.0) / 5.0 < 0.1


def test_too_many_sites_are_counted_together_and_old_days_are_forgotten() -> None:
    visits = Visits([])
    for number in range(MAX_SITES + 10):
        visits.opened(f"https://{number}.example", WALL)
    rows = visits.changed()
    assert len(rows) == MAX_SITES + 1
    assert [row.opened for row in rows if row.site == OTHERS] == [10]
    visits.tick(0.0, WALL + 10 * DAY_S)
    assert visits.rows() == []


def test_rows_that_could_not_be_kept_are_told_later_with_a_newer_version() -> None:
    visits = Visits([])
    visits.opened(A, WALL)
    rows = visits.changed()
    visits.again(rows)
    assert only(visits).version == rows[0].version + 1


def test_only_origins_of_the_web_are_sites() -> None:
    assert site_of("HTTPS://User@A.example:8443/p") == "https://a.example:8443"
    for odd in (
        "",
        "null",
        "file:///x",
        "https://",
        "https://" + "a" * 300,
        "javascript:1",
        "http://[",
        "https://é.example",
    ):
        assert site_of(odd) == UNKNOWN, odd
