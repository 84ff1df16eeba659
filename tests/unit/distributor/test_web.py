"""Built pages by their manifest."""

import json
import os
from pathlib import Path

import pytest

from disio_distributor.web import Pages


def build(folder: Path, routes: dict[str, dict[str, object]]) -> None:
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "routes": routes}))


def test_a_route_names_file_type_and_headers(tmp_path: Path) -> None:
    build(tmp_path, {"/client.js": {"file": "client.js", "content_type": "text/javascript", "headers": {"X": "1"}}})
    found = Pages(tmp_path).find("/client.js")
    assert found is not None
    file, route = found
    assert (file, route.content_type, route.headers) == (tmp_path / "client.js", "text/javascript", {"X": "1"})
    assert Pages(tmp_path).find("/client.js/") is None


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    build(tmp_path, {"/secret": {"file": "../secret", "content_type": "text/plain", "headers": {}}})
    assert Pages(tmp_path).find("/secret") is None


def test_a_folder_without_a_build_is_told_apart_from_an_unknown_path(tmp_path: Path) -> None:
    pages = Pages(tmp_path)
    with pytest.raises(FileNotFoundError):
        pages.find("/demo")
    build(tmp_path, {})
    assert pages.find("/demo") is None


def test_a_new_build_is_noticed(tmp_path: Path) -> None:
    build(tmp_path, {})
    os.utime(tmp_path / "manifest.json", (1, 1))
    pages = Pages(tmp_path)
    assert pages.find("/demo") is None
    build(tmp_path, {"/demo": {"file": "demo.html", "content_type": "text/html"}})
    assert pages.find("/demo") is not None
