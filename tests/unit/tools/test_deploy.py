"""The container files: valid by their schemas and linters, and keeping the rules no schema knows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.waiting import patient
from tools.stamps import ROOT

OURS = ("manager", "tokens", "distributor", "dashboard", "client")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
IMAGE_USER = "10001:10001"


def _run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    path = Path(sys.executable).parent / program
    return subprocess.run([path, *words], cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=False)


def test_the_compose_file_is_valid_by_the_compose_specification() -> None:
    done = _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_a_misspelt_key(tmp_path: Path) -> None:
    spoilt = tmp_path / "docker-compose.yml"
    shutil.copy(ROOT / "docker-compose.yml", spoilt)
    spoilt.write_text(spoilt.read_text().replace("depends_on:", "depend_on:", 1))
    assert _run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(spoilt)).returncode != 0


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = _run("hadolint", "Dockerfile")
    assert done.returncode == 0, done.stdout


def test_the_image_runs_as_a_user_without_rights() -> None:
    stages = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    assert f"USER {IMAGE_USER}" in stages[-1]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_gives_up_its_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert name in OURS or not service["user"].startswith(("0", "root"))


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("tokens", "client")])
def test_every_serving_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_foreign_images_are_pinned_to_a_full_version(name: str) -> None:
    assert re.search(r":\d+\.\d+\.\d+$", SERVICES[name]["image"])


def test_a_distributor_sees_neither_the_admin_token_nor_the_managers_keys() -> None:
    mounted = {volume.split(":")[0] for volume in SERVICES["distributor"]["volumes"]}
    assert mounted == {"distributor-data", "join-token"}


def test_the_file_holds_no_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(
        r"(?i)(password|secret|api_key|token)\s*[:=]\s*['\"]?[A-Za-z0-9+/_-]{12,}['\"]?\s*$", text, re.MULTILINE
    )
    assert not any("environment" in service for service in SERVICES.values())


@pytest.mark.parametrize("name", ["manager", "distributor", "dashboard", "client"])
def test_every_flag_in_the_compose_file_is_one_the_command_has(name: str) -> None:
    group, verb, *flags = SERVICES[name]["command"]
    (entry,) = entry_points(group="disio.commands", name=group)
    known = {
        option
        for parameter in entry.load().commands[verb].params
        for option in parameter.opts + parameter.secondary_opts
    }
    assert {flag.partition("=")[0] for flag in flags} <= known
