"""Calls that need a journal, where there is none."""

from typing import Any

import pytest

from disio_manager.api.journals import journal_of
from disio_manager.api.problems import BadRequest


def test_a_store_without_a_journal_is_refused_by_name() -> None:
    store: Any = object()
    with pytest.raises(BadRequest, match=r"order: .* index order") as refused:
        journal_of(store, "order")
    assert (refused.value.status, refused.value.kind) == (422, "no-journal")
    assert [each.path for each in refused.value.errors] == ["order"]
