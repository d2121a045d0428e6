"""A whole ablation of a small experiment."""

from pathlib import Path

import pandas as pd
import pytest

from qhu.grid import run as grid
from qhu.record.store import Store

SWEEP = """
name: small
sweep:
  question: Does a second layer memorise?
  base: tiny.yaml
  vary: {model.layers: [1, 2]}
  read: acc_forget
data: {label_noise: 0.1}
scenarios:
  mislabelled: {mislabelled: true}
methods: [finetune]
"""


@pytest.fixture
def small(tiny):
    """An ablation of the small experiment, in an empty working folder."""
    path = tiny.with_name("small.yaml")
    path.write_text(SWEEP)
    return path


def test_an_ablation_is_ordinary_runs_and_a_page_and_resumes(small, qhu, monkeypatch):
    code, printed, errors = qhu("ablate", small, "--out", "here")
    assert (code, errors) == (0, "")
    for value in "12":
        assert f"model.layers {value}: here/{value}\n" in printed
        assert (Path("here") / value / "report.html").exists()
        results = pd.read_csv(Path("here") / value / "results.csv")
        assert set(results["scenario"]) == {"mislabelled"}
    page = (Path("here") / "ablation.html").read_text()
    assert "Does a second layer memorise?" in page
    assert "trainable parameters: a change may be" in page

    def computed(*_):
        raise AssertionError("a finished stage was computed again")

    monkeypatch.setattr(Store, "put", computed)
    assert qhu("ablate", small, "--out", "here")[0] == 0
    assert (Path("here") / "ablation.html").read_text() == page


def test_its_runs_share_workers_and_their_numbers_do_not_show_it(small, qhu, monkeypatch):
    qhu("ablate", small, "--out", "alone")
    monkeypatch.setattr(grid, "STORE", Path("another-store"))
    code, _, errors = qhu("ablate", small, "--out", "shared", "--workers", "2")
    assert (code, errors) == (0, "")
    for value in "12":
        for name in ("results.csv", "history.jsonl", "predictions.parquet"):
            one, other = (Path(where, value, name) for where in ("alone", "shared"))
            assert one.read_bytes() == other.read_bytes()


def test_an_occupied_folder_is_refused_before_anything_is_computed(small, qhu):
    (Path("here") / "2").mkdir(parents=True)
    (Path("here") / "2" / "notes.txt").touch()
    code, _, errors = qhu("ablate", small, "--out", "here")
    assert (code, errors) == (2, "qhu: here/2 holds other files: choose another --out\n")
    assert not (Path("here") / "1").exists()
    assert not Path("runs").exists()


def test_a_run_refuses_an_ablation(small, qhu):
    code, _, errors = qhu("run", small)
    assert code == 2
    assert "sweep" in errors
    assert not Path("runs").exists()
