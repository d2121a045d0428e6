"""Which experiments ``make paper`` consists of."""

from pathlib import Path

import pandas as pd
import pytest

from qhu.errors import UnknownName
from qhu.grid import run as grid
from qhu.grid.holes import RunOutcome
from qhu.paper import run as paper
from qhu.paper.audit import PUBLISHED
from qhu.report.paper.released import COUNTERPARTS, SCENARIOS


@pytest.mark.parametrize("dataset", paper.DATASETS)
def test_every_released_row_has_a_method_under_both_protocols(dataset):
    theirs, ours = paper.protocols(dataset)
    table = pd.read_csv(PUBLISHED / f"{dataset}.csv")
    assert {*table["method"], "none", "retrain"} == set(COUNTERPARTS) == set(theirs.methods)
    assert set(table["scenario"]) == set(SCENARIOS) == set(theirs.scenarios)
    assert set(COUNTERPARTS.values()) == set(ours.methods)
    assert set(SCENARIOS.values()) == set(ours.scenarios)
    assert "released" in theirs.metrics
    assert "released" in ours.metrics


def test_both_have_five_seeds_and_ours_selects_nothing_on_test_rows():
    for dataset in paper.DATASETS:
        theirs, ours = paper.protocols(dataset)
        assert len(theirs.seeds) == len(ours.seeds) == 5
        assert theirs.training.select == "test_accuracy"
        assert ours.training.select != "test_accuracy"
        assert ours.unlearning.select != "test_accuracy"


@pytest.mark.parametrize("names", [["iris"], ["iris", "iris"]])
def test_each_protocol_runs_in_its_ordinary_folder(monkeypatch, names):
    asked, written = [], []

    def run_all(runs, console, workers):
        for one, out in runs.values():
            asked.append((one.name, one.seeds, out, workers))
        return [RunOutcome(Path(one.name), []) for one, _ in runs.values()]

    monkeypatch.setattr(grid, "run_all", run_all)
    monkeypatch.setattr(RunOutcome, "is_usable", True)
    monkeypatch.setattr(paper, "write_paper", lambda out, runs: written.append((out, runs)) or out)
    paper.run(names, "3-4", Path("there"), paper.Console(), 2)
    assert asked == [("paper-iris", (3, 4), None, 2), ("iris", (3, 4), None, 2)]
    out, runs = written[0]
    assert out == Path("there")
    assert runs["iris"][1:] == (Path("paper-iris"), Path("iris"))


def test_an_unknown_dataset_is_refused_before_anything_runs(monkeypatch):
    monkeypatch.setattr(grid, "run_all", None)
    with pytest.raises(UnknownName, match="iris2"):
        paper.run(["iris", "iris2"], None, Path("there"), paper.Console())
