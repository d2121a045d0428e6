"""The whole of it at a tiny size."""

import json
from pathlib import Path

import pandas as pd
import pytest

from qhu.claims import catalogue
from qhu.claims.run import COLUMNS

TINY = ["--seeds", "0-1", "--models", "16", "-s", "training.epochs=2", "-s", "unlearning.steps=8"]


@pytest.fixture
def few(monkeypatch):
    """Claims that need each kind of thing once."""
    claims = (catalogue.AMPLITUDE, catalogue.QUANTUM_LAYER)
    monkeypatch.setattr("qhu.claims.run.CLAIMS", claims)
    return claims


def kept():
    """Every file of the store and when it was written."""
    return {path: path.stat().st_mtime_ns for path in Path("runs/.stages").rglob("*.*")}


def test_a_tiny_page_of_claims_resumes(few, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, errors = qhu("claims", *TINY)
    assert status == 0, errors
    folder = tmp_path / "runs/claims"
    table = pd.read_csv(folder / "claims.csv")
    assert list(table) == COLUMNS
    assert set(table["claim"]) == {claim.claim for claim in few}
    assert table["verdict"].str.match(r"supported$|contradicted$|cannot tell \(smallest").all()
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    assert "smallest effect this could see" in (folder / "claims.html").read_text()
    parts = pd.read_csv(folder / "tests.csv")
    assert {"part", "estimate", "n", "p_holm", "outcome", "smallest"} <= set(parts)
    assert f"{len(table)} tests of {len(few)} claims" in out
    before, text = kept(), (folder / "claims.csv").read_text()
    assert qhu("claims", *TINY)[0] == 0
    assert kept() == before
    assert (folder / "claims.csv").read_text() == text


def test_a_folder_of_something_else_is_refused(few, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("kept")
    status, _, errors = qhu("claims", *TINY, "--out", "mine")
    assert status == 2 and "other files" in errors
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.tex"]


@pytest.mark.slow
def test_all_claims_at_a_tiny_size(qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert qhu("claims", *TINY, "-s", "unlearning.epochs=null")[0] == 0
    table = pd.read_csv("runs/claims/claims.csv")
    assert set(table["claim"]) == {claim.claim for claim in catalogue.CLAIMS}
    assert pd.read_csv("runs/claims/costs.csv")["method"].is_unique


def test_devices_are_refused_before_anything_is_computed(few, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, errors = qhu("claims", *TINY, "-s", "stages.evaluate=ibm_torino")
    assert status == 2
    assert "claims ask thousands of models: evaluate on a device" in errors
    assert not list(tmp_path.rglob("*.csv"))


def test_a_wrong_setting_is_refused_before_anything_is_written(few, qhu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, errors = qhu("claims", "--models", "9")
    assert status == 2
    assert "even" in errors or "multiple of 2" in errors
    assert not (tmp_path / "runs").exists()
