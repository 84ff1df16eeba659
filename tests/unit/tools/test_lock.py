"""The lock files: complete, hashed, without addresses, and nowhere below a version with a known hole."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools.environment import MEMBERS
from tools.lock import OURS
from tools.stamps import ROOT

LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-node.lock", "requirements-fuzz.lock")
NPM_LOCKS = ("client_web/package-lock.json", "dashboard/web/package-lock.json")
# The oldest versions without a known vulnerability that concerns us.
SAFE = {
    "aiohttp": "3.14.4",
    "apsw": "3.51.3",
    "dnspython": "2.9.2",
    "motor": "3.7.1",
    "msgpack": "1.2.3",
    "multidict": "6.9.1",
    "pymongo": "4.18.2",
    "python-engineio": "4.13.2",
    "python-socketio": "5.16.2",
    "pyzmq": "27.1",
    "redis": "4.5.4",
    "zeroconf": "0.149.13",
}
SAFE_IF_PRESENT = {
    "joblib": "1.5",
    "pyarrow": "17.0.0",
    "argon2-cffi": "23.1",
    "jinja2": "3.1.6",
    "orjson": "3.9.15",
    "pynacl": "1.6.2",
    "wasmtime": "48.0.0",
}
SAFE_NPM = {"socket.io-parser": "4.2.6"}


def pins(name: str) -> dict[str, str]:
    """Locked versions by package."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))


def test_every_dependency_of_every_member_is_locked_at_a_version_it_accepts() -> None:
    locked = pins("requirements.lock")
    for member in MEMBERS:
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
        extras = [each for extra in project.get("optional-dependencies", {}).values() for each in extra]
        for requirement in map(Requirement, [*project["dependencies"], *extras]):
            if requirement.name not in OURS:
                assert requirement.specifier.contains(locked[requirement.name]), (member, requirement)


@pytest.mark.parametrize(("package", "oldest"), SAFE.items())
def test_a_package_is_locked_at_a_safe_version(package: str, oldest: str) -> None:
    assert Version(pins("requirements.lock")[package]) >= Version(oldest)


@pytest.mark.parametrize(("package", "oldest"), SAFE_IF_PRESENT.items())
def test_a_package_is_safe_where_it_is_locked_at_all(package: str, oldest: str) -> None:
    assert Version(pins("requirements.lock").get(package, oldest)) >= Version(oldest)


def test_the_image_holds_what_was_tested() -> None:
    tested, shipped = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped
    assert not {"pytest", "mypy", "playwright"} & set(shipped)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.findall(r"^[a-z0-9.-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)+", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[a-zA-Z]", text, re.MULTILINE)) > 0
    assert "://" not in text
    assert "--index" not in text


@pytest.mark.parametrize("name", NPM_LOCKS)
def test_npm_locks_have_integrity_and_no_address(name: str) -> None:
    path = ROOT / name
    packages = json.loads(path.read_text())["packages"]
    assert all("integrity" in entry for folder, entry in packages.items() if folder)
    assert not [folder for folder, entry in packages.items() if "resolved" in entry]
    assert "omit-lockfile-registry-resolved=true" in (path.parent / ".npmrc").read_text()


@pytest.mark.parametrize("name", NPM_LOCKS)
def test_npm_locks_hold_every_platform_package_they_refer_to(name: str) -> None:
    packages = json.loads(Path(ROOT / name).read_text())["packages"]
    wanted = {need for entry in packages.values() for need in entry.get("optionalDependencies", {})}
    held = {folder.rpartition("node_modules/")[2] for folder in packages}
    assert wanted <= held


@pytest.mark.parametrize(("package", "oldest"), SAFE_NPM.items())
def test_an_npm_package_is_locked_at_a_safe_version(package: str, oldest: str) -> None:
    packages = json.loads((ROOT / "client_web/package-lock.json").read_text())["packages"]
    assert Version(packages[f"node_modules/{package}"]["version"]) >= Version(oldest)
