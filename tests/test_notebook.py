"""What a notebook holds: answers as cells, comparisons, ablations, any library's values."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import qhu as package
from qhu.record.folder import FailedCell, RunFolder
from qhu.settings.experiment import make_experiment

BASE = {
    "name": "small",
    "model": {"layers": 1},
    "training": {"epochs": 1},
    "unlearning": {"steps": 2},
    "scenarios": {"class": {"label": 0}},
    "methods": ["finetune"],
    "metrics": ["acc", "kl", "mia"],
    "seeds": "0-1",
}


def _no_figures(folder):
    """Stands in for the page, whose figures take most of the time."""
    (folder / "report.html").write_text("")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A working folder with a run ``exact`` and one on options, ``noisy``; not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        package.run(BASE, "exact")
        patch.setattr("qhu.grid.collect.write_report", _no_figures)
        noisy = {"kind": "aer", "depolarizing": [np.float64(0.01), np.float64(0.02)]}
        package.run(BASE, Path("noisy"), backend=noisy, workers=np.int64(0))
    return folder


@pytest.fixture
def here(small, monkeypatch):
    monkeypatch.chdir(small)
    return small


class Cell(HTMLParser):
    """Tags, attributes and text of a cell."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_a_run_shows_its_answer(here):
    run = package.Run("exact")
    cell = Cell(run._repr_html_())
    assert {"script", "style", "img", "iframe"}.isdisjoint(cell.tags)
    assert not [name for name, _ in cell.attributes if name.startswith("on")]
    assert "color" not in run._repr_html_(), "a dark notebook has its own"
    links = [value for name, value in cell.attributes if name == "href"]
    assert links == ["exact/report.html"]
    for reply in run.answers.values():
        assert reply.sentence in cell.text
        assert reply.sentence in repr(run)
    assert len(run.answers) == 1
    for words in ("forgot", "kept", "private", "distance", "finetune", "floor"):
        assert words in cell.text
    assert "small on statevector, finished" in cell.text
    assert repr(run).startswith("Run('exact'): small on statevector, finished\n")


def test_a_page_elsewhere_is_linked_by_its_address(here, tmp_path, monkeypatch):
    shutil.copytree("exact", tmp_path / "a b#c")
    monkeypatch.chdir(here / "noisy")
    assert 'href="file:///' in (cell := package.Run(tmp_path / "a b#c")._repr_html_())
    assert "a%20b%23c/report.html" in cell


def test_an_unfinished_run_says_so(here, tmp_path):
    shutil.copytree("exact", folder := tmp_path / "cut")
    hole = FailedCell(method="finetune", scenario="class", seed=1, reason="a <hole>")
    RunFolder(folder).update(status="cancelled", name="<b>bold", failed=[hole])
    (folder / "results.csv").unlink()
    run = package.Run(folder)
    assert "not finished" in run._repr_html_()
    assert "&lt;b&gt;bold" in run._repr_html_()
    assert "class finetune seed 1: a &lt;hole&gt;" in run._repr_html_()
    assert repr(run).endswith("<b>bold on statevector, cancelled")


def test_a_damaged_run_says_so_in_its_cell(here, tmp_path):
    shutil.copytree("exact", folder := tmp_path / "bad")
    (folder / "results.csv").write_text("nothing")
    run = package.Run(folder)
    assert "results.csv is damaged" in run._repr_html_()
    assert "results.csv is damaged" in repr(run)


def test_what_is_no_run_fails_at_once(tmp_path, here):
    (tmp_path / "empty").mkdir()
    with pytest.raises(package.UserError, match=r"there is no folder .*nowhere"):
        package.Run(tmp_path / "nowhere")
    with pytest.raises(package.UserError, match=r"is not a run folder: it has no run\.json"):
        package.Run(tmp_path / "empty")
    shutil.copytree("exact", folder := tmp_path / "evidence")
    (folder / "results.csv").unlink()
    with pytest.raises(package.UserError, match=r"is not a run folder: it has no results\.csv"):
        package.Run(folder)
    for odd in (3, None, b"exact", pd.Series(["exact"]), np.nan, ""):
        with pytest.raises(package.UserError, match="the run folder must be a path"):
            package.Run(odd)


def test_a_run_is_read_when_it_is_asked_for(here, tmp_path):
    shutil.copytree("exact", folder := tmp_path / "lazy")
    run = package.Run(folder)
    for file in ("results.csv", "predictions.parquet"):
        (folder / file).unlink()
    with pytest.raises(package.UserError, match=r"results\.csv"):
        run.results  # noqa: B018


def test_backends_by_options_are_found_again(here, qhu):
    asked = yaml.safe_load(Path("noisy/experiment.yaml").read_text())
    name = asked["stages"]["evaluate"]
    assert re.fullmatch(r"aer-[0-9a-f]{8}", name)
    kept = yaml.safe_load(Path(f"runs/.backends/{name}.yaml").read_text())
    assert kept == {"kind": "aer", "depolarizing": [0.01, 0.02]}
    assert set(package.Run("noisy").results.backend) == {name, "statevector"}
    code, out, _ = qhu("run", "noisy/experiment.yaml", "--out", "noisy")
    assert code == 0
    assert "finished already" in out


def test_a_comparison(here):
    runs = [package.Run("exact"), np.str_("noisy")]
    comparison = package.compare(runs, out="compared")
    assert comparison.page.read_text().startswith("<!")
    again = package.Comparison("compared")
    assert again == comparison
    assert {"dataset", "quantity", "value", "p_holm"} <= set(again.figures.columns)
    assert 'href="compared/compare.html"' in again._repr_html_()
    with pytest.raises(package.UserError, match="two or more"):
        package.compare("exact")
    with pytest.raises(package.UserError, match="there is no folder absent"):
        package.compare(["exact", "absent"])
    with pytest.raises(package.UserError, match="is no comparison"):
        package.Comparison("exact")


def test_the_package_of_the_name_is_called_too(here):
    from qhu.compare.compare import compare

    assert callable(compare)
    with pytest.raises(package.UserError, match="two or more"):
        package.compare([])


def test_an_ablation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qhu.grid.collect.write_report", _no_figures)
    sweep = {"question": "Deeper?", "vary": {"model.layers": np.arange(1, 3)}, "read": "kl_forget"}
    ablation = package.ablate({**BASE, "sweep": sweep}, "seeds=0", out=np.str_("deep"))
    assert list(ablation.runs) == ["1", "2"]
    assert ablation.runs["2"].folder == Path("deep/2")
    assert set(ablation.trends["at"]) == {"1", "2"}
    assert ablation.page.is_file()
    assert package.Ablation("deep") == ablation
    assert "deep/ablation.html" in ablation._repr_html_()
    with pytest.raises(package.UserError, match="varies nothing"):
        package.ablate(BASE)
    with pytest.raises(package.UserError, match="is no ablation"):
        package.Ablation(tmp_path)


SEEDS = {
    "range": range(2),
    "array": np.arange(2),
    "unsigned": np.arange(2, dtype=np.uint8),
    "objects": np.array([np.int64(0), np.int8(1)], dtype=object),
    "series": pd.Series([0, 1]),
    "nullable": pd.array([0, 1], dtype="Int64"),
    "column of objects": pd.Series([np.int64(0), np.int64(1)], dtype=object),
    "index": pd.RangeIndex(2),
    "categories": pd.Categorical([0, 1]),
    "tensor": torch.arange(2),
    "set": {np.int64(1), np.int64(0)},
    "keys": {0: None, 1: None}.keys(),
    "generator": None,
    "text": np.str_("0-1"),
}


@pytest.mark.parametrize("seeds", SEEDS.values(), ids=SEEDS)
def test_seeds_of_any_library(seeds):
    def given():
        return (seed for seed in range(2)) if seeds is None else seeds

    assert package.Experiment(**{**BASE, "seeds": given()}).seeds == (0, 1)
    assert make_experiment({**BASE, "seeds": given()}, "experiment").seeds == (0, 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"seeds": pd.date_range("2020", periods=2)},
        {"seeds": pd.array([0, None], dtype="Int64")},
        {"training": {"lr": pd.Timestamp("2020")}},
        {"training": {"lr": pd.NaT}},
        {"training": {"epochs": pd.NA}},
        {"scenarios": {"s": {"label": pd.Timestamp("2020")}}},
        {"name": pd.Timestamp("2020")},
    ],
)
def test_dates_and_gaps_are_refused_in_a_line(settings):
    with pytest.raises(package.UserError, match=r"^experiment: [^\n]+ \(got [^\n]+\)$"):
        package.run({**BASE, **settings})


@pytest.mark.parametrize(
    "workers", [2.0, np.float64(1), True, "2", -1, None, pd.NA, pd.Series([0])]
)
def test_workers_are_a_count(workers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.UserError, match=r"^workers must be a whole number from 0 on"):
        package.run(BASE, workers=workers)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("out", [3, np.nan, "", b"x", True, pd.Series(["x"])])
def test_a_folder_is_a_path(out):
    with pytest.raises(package.UserError, match=r"^out must be a path"):
        package.run(BASE, out)


def test_stages_as_the_command_takes_them():
    for stages in ("train,evaluate", ["train", "evaluate"], pd.Series(["train", "evaluate"])):
        loaded = package.load("iris", backend=np.str_("fake_manila"), stages=stages)
        assert loaded.stages.model_dump() == {
            "train": "fake_manila",
            "unlearn": "statevector",
            "evaluate": "fake_manila",
        }
    assert package.load("iris", backend="fake_manila").stages.train == "statevector"
    with pytest.raises(package.UserError, match="did you mean 'train'"):
        package.load("iris", backend="fake_manila", stages="trian")
    with pytest.raises(package.UserError, match="unknown device snapshot"):
        package.load("iris", backend="fake_nowhere")
    with pytest.raises(package.UserError, match="give the options their kind"):
        package.load("iris", backend={"device": "fake_manila"})
    with pytest.raises(package.UserError, match="did you mean 'shots'"):
        package.load("iris", backend={"kind": "aer", "shotz": 1})


def test_models_and_seeds_of_any_library(here, monkeypatch):
    monkeypatch.setattr("qhu.grid.collect.write_report", _no_figures)
    flat = torch.nn.utils.parameters_to_vector(package.network(BASE).parameters()).detach()
    theta = pd.Series(flat.numpy())
    for seed in (np.int64(0), np.array([0]), pd.Series([0]), np.array(0), np.str_("0")):
        run = package.evaluate(theta, BASE, name=np.str_("mine"), seed=seed, out="elsewhere")
    assert set(run.results.method) == {"none", "retrain", "floor", "mine"}
    for odd in (0.0, np.array([0.0]), pd.NA, True):
        with pytest.raises(package.UserError, match=r"^seed: give whole numbers"):
            package.evaluate(theta, BASE, name="mine", seed=odd)
    with pytest.raises(package.UserError, match=r"^seed must be a whole number"):
        package.partition(BASE, 0.0)
    assert len(package.partition(BASE, np.int64(0), np.str_("class")).forget)
