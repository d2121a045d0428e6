"""The pictures of the package in README and docs are those of the package."""

import re
import tomllib
from pathlib import Path

from documents import ROOT

PACKAGE = ROOT / "qhu"
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def rooms():
    """Packages and modules directly below the package."""
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return found | {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def layers():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    return next(contract["layers"] for contract in contracts if contract["type"] == "layers")


def test_the_table_of_rooms_names_each_once():
    table = ARCHITECTURE.split("## Rooms")[1].split("\n\n")[1]
    first = [line.split("|")[1] for line in table.splitlines()[2:]]
    names = re.findall(r"`(\w+)`", " ".join(first))
    assert sorted(names) == sorted(rooms())


def test_the_layers_in_the_docs_are_those_that_are_checked():
    block = re.search(r"```\n(cli \| api\n.*?)```", ARCHITECTURE, re.DOTALL)
    assert block[1].splitlines() == layers()
    assert {name for line in layers() for name in line.split(" | ")} == rooms()


def test_the_readme_shows_every_package():
    tree = (ROOT / "README.md").read_text().split("## Inside")[1].split("```")[1]
    shown = re.findall(r"qhu/[\w.]+", tree)
    assert len(shown) == len(set(shown))
    assert all((ROOT / name).exists() for name in shown)
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages == {Path(name).name for name in shown if "." not in name}
