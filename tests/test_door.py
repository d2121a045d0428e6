"""What a stranger meets first: licence, citation, continuous integration, the oldest versions."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from qhu.record.references import resolve
from qhu.settings import shipped

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def minimum(monkeypatch):
    """The script that prints the oldest versions."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("minimum_versions")


def test_the_oldest_versions_are_the_bounds_of_the_dependencies(minimum, capsys):
    minimum.main()
    oldest = list(map(Requirement, capsys.readouterr().out.split()))
    for ours, theirs in zip(map(Requirement, PROJECT["dependencies"]), oldest, strict=True):
        (pin,) = theirs.specifier
        assert (ours.name, ours.extras, pin.operator) == (theirs.name, theirs.extras, "==")
        assert pin.version in ours.specifier
        assert f">={pin.version}" in str(ours.specifier)


@pytest.mark.parametrize("requirement", ["torch", "torch<3", "torch>2", "torch>=2,!=2.1", "a b>=2"])
def test_a_dependency_without_a_lower_bound_is_refused(minimum, requirement):
    with pytest.raises(ValueError, match="must look like"):
        minimum.minimum(requirement)


def test_every_constraint_allows_what_the_project_asks_for():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {r.name.lower(): r for r in map(Requirement, lines)}
    for needed in map(Requirement, PROJECT["dependencies"]):
        (pin,) = pinned[needed.name.lower()].specifier
        assert pin.version in needed.specifier, needed


def test_the_citation_is_of_this_version_and_of_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (paper,) = citation["references"]
    for software in (citation, citation["preferred-citation"]):
        assert software["version"] == PROJECT["version"]
        assert software["authors"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    ((entry),) = resolve(["crivoi2025quantum"]).values()
    for said in (*(author["family-names"] for author in paper["authors"]), str(paper["year"])):
        assert said in entry
    assert paper["url"] == PROJECT["urls"]["Paper"]


def test_every_data_file_of_others_has_its_notice():
    notice = (ROOT / "NOTICE").read_text()
    data = (*(ROOT / "qhu").rglob("*.npz"), *shipped.PUBLISHED.glob("*.csv"))
    for file in (*data, *(ROOT / "docs" / "_static").rglob("*.woff2")):
        name = file.relative_to(ROOT)
        assert str(name) in notice or str(name.with_name(f"*{name.suffix}")) in notice, name


def test_ci_runs_what_the_project_has():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    lines = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in lines
    for word in re.findall(r"[\w./-]*/[\w.-]+\b", " ".join(lines)):
        assert (ROOT / word).exists(), word


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").iterdir()))
def test_issue_forms_are_complete(form):
    content = yaml.safe_load(form.read_text())
    assert {"name", "description", "body"} <= content.keys()
    ids = [part["id"] for part in content["body"]]
    assert len(set(ids)) == len(ids)
    for part in content["body"]:
        assert part["type"] in {"textarea", "input", "dropdown", "checkboxes"}
        assert part["attributes"]["label"]
        assert ("options" in part["attributes"]) == (part["type"] in {"dropdown", "checkboxes"})


def test_hooks_call_the_tools_of_make_lint():
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    called = {hook["entry"].removeprefix(".venv/bin/").split()[0] for hook in repo["hooks"]}
    recipe = (ROOT / "Makefile").read_text().partition("lint: setup")[2].partition("\n\n")[0]
    assert called == set(re.findall(r"\$\(BIN\)/([\w-]+)", recipe))
