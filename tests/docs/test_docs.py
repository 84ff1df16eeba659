"""Every block of README.md and docs/*.md is run, or looked over where it can run only elsewhere, as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.desk import Desk
from tests.docs.fences import ROOT, Fence, fences_of, pages
from tests.docs.rules import check, followed, ran, rule_of, served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]
PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in pages()}
FENCES = {page: fences_of(page, text) for page, text in PAGES.items()}
ALL = [fence for fences in FENCES.values() for fence in fences]
FEATURES = {
    "payloads of each kind": (
        "--list", "--range", "--grid", "--zip", "--random", "--ndjson", "--csv", "--lines", "--input", "linspace",
    ),
    "previews": ("/api/payloads/preview", "disio payloads preview"),
    "uploads that go on": ("Upload-Offset",),
    "REST": ("openapi.json", "Idempotency-Key", "If-None-Match", "If-Match", "cursor=", "/clone", "x-cursor"),
    "live news": ("/api/events", "topics=", "webhooks"),
    "a public page": ('"public": true', "MANAGER/tasks/[$]TASK"),
    "the command line": (
        "disio task (list|show|explain|pause|resume|cancel|retry|delete|edit|wait)", "disio results", "disio fleet",
        "disio top", "disio doctor", "disio config", "disio api", "disio completion", "--json", "retry last --failed",
        "seq 1000 [|] disio submit square.js --lines - --wait --ordered [|] sort -n",
    ),
    "results": ("--format csv", "squares.db", "--format dir", "--resume", "--follow", "[.]parquet"),
    "the SDK": (
        "disio.connect", "client.submit", "submit_document", "client.map", "client.task", "executor[(]", "joblib",
        "disio.work", "AsyncClient", "as_completed", "task.wait",
    ),
    "searching": ("--stop-when", "stop_when"),
}  # fmt: skip
"""What a reader must find as something to paste, each named by what stands in it."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Start what the pages start, once for all of them."""
    made = Desk(tmp_path_factory.mktemp("desk"))
    trouble = []
    try:
        for fence in (each for each in ALL if rule_of(each) is served):
            made.serve(fence.place, fence.text, fence.page)
        yield made
    finally:
        trouble = made.stop()
    assert trouble == []


@pytest.mark.parametrize("page", [page for page, fences in FENCES.items() if fences])
def test_every_block_of_a_page_does_what_it_says(page: str, desk: Desk) -> None:
    for fence in FENCES[page]:
        problem = check(fence, desk)
        assert not problem, problem


def test_what_disio_can_do_is_shown_as_something_to_paste() -> None:
    run = [fence.text for fence in ALL if rule_of(fence) in (followed, ran)]
    shown = {
        feature: [sign for sign in signs if not any(re.search(sign, text, re.MULTILINE) for text in run)]
        for feature, signs in FEATURES.items()
    }
    assert shown == {feature: [] for feature in FEATURES}


def test_links_lead_to_pages_and_places_that_are_there() -> None:
    broken = []
    for page, text in PAGES.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, place = link.partition("#")
            if "://" in link:
                continue
            target = ROOT / Path(page).parent / file if file else ROOT / page
            if not target.exists() or (place and place not in places_of(target)):
                broken.append(f"{page}: {link}")
    assert broken == []


def places_of(page: Path) -> set[str]:
    """Return what can stand behind ``#``, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def one(text: str) -> Fence:
    (fence,) = fences_of("page.md", text)
    return fence


def test_a_block_that_nobody_runs_is_a_problem() -> None:
    with pytest.raises(LookupError, match=r"page\.md:1: no rule for blocks of 'rust'"):
        rule_of(one("```rust\nfn main() {}\n```\n"))
    with pytest.raises(LookupError, match="'python skip'"):
        rule_of(one("```python skip\nprint()\n```\n"))
