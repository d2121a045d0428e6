"""The released protocol from one end to the other, on Iris with short trainings."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from qhu import pipeline
from qhu.record.released import COLUMNS
from qhu.record.store import Store
from qhu.report.frames import load_run
from qhu.report.run.methods import as_markdown
from qhu.settings.experiment import load_experiment
from qhu.study import Fit, Study

PAPER = Path(__file__).parents[1] / "experiments" / "paper"
METHODS = [
    *("GA", "Fisher", "NegGradPlus", "CF-k1", "EU-k1", "SCRUB", "SCRUB(+R)"),
    *("Certified", "Q-MUL", "LCA", "ADV-UNIFORM"),
]
FULL_RETAIN = ("EU-k1", "Certified", "LCA")
SHORT = ["training.epochs=2", "unlearning.epochs=2", "seeds=[3]"]
SHORT += [f"methods.{name}.epochs=2" for name in METHODS]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    from rich.console import Console

    from qhu.grid import run as grid

    folder = tmp_path_factory.mktemp("protocol")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        grid.run(load_experiment(PAPER / "iris.yaml", SHORT), Path("here"), Console(quiet=True))
    return folder / "here"


@pytest.fixture(scope="module")
def history(run):
    """Lines of an unlearned model: steps, then facts."""
    lines = [json.loads(text) for text in (run / "history.jsonl").read_text().splitlines()]
    return lambda scenario, method: [
        line for line in lines if (line["scenario"], line["method"]) == (scenario, method)
    ]


@pytest.mark.parametrize(
    ("scenario", "retain", "forget"), [("subset2pct", 4, 1), ("fullclass", 3, 2)]
)
@pytest.mark.parametrize("method", METHODS)
def test_an_epoch_has_the_released_number_of_steps(history, scenario, retain, forget, method):
    per_epoch = retain if method in FULL_RETAIN else forget
    *steps, facts = history(scenario, method)
    assert len(steps) == facts["steps"] == 2 * per_epoch
    assert facts["facts"]["kept_steps"] in (per_epoch, 2 * per_epoch)


@pytest.mark.parametrize("scenario", ["subset2pct", "fullclass"])
@pytest.mark.parametrize("method", METHODS)
def test_the_kept_epoch_is_the_first_with_the_best_test_accuracy(run, history, scenario, method):
    results = pd.read_csv(run / "results.csv").set_index(["scenario", "method", "metric"]).value
    *steps, facts = history(scenario, method)
    scored = [(line["score"], line["step"]) for line in steps if "score" in line]
    assert len(scored) == 2
    best = max(score for score, _ in scored)
    assert facts["facts"]["kept_steps"] == next(step for score, step in scored if score == best)
    assert results[scenario, method, "acc_test_unlearn"] == pytest.approx(best)


def test_every_released_column_is_there(run):
    results = pd.read_csv(run / "results.csv")
    for scenario in ("subset2pct", "fullclass"):
        for method in METHODS:
            chosen = results[(results.scenario == scenario) & (results.method == method)]
            expected = set(COLUMNS) - ({"MIA_AUC"} if scenario == "fullclass" else set())
            assert expected <= set(chosen.metric)


def test_scrub_and_its_rewind_are_one_method_and_one_model(run):
    methods = load_experiment(PAPER / "iris.yaml").methods
    assert methods["SCRUB"] == methods["SCRUB(+R)"]
    plain, other = (
        load_file(run / "models" / f"seed3-fullclass-{name}.safetensors")
        for name in ("SCRUB", "SCRUB(+R)")
    )
    assert all((plain[name] == other[name]).all() for name in plain)


def test_the_report_tells_the_protocol(run):
    told = load_run(run)
    text = as_markdown(told)
    for words in (
        "those released with arXiv 2512.19253, the same for every seed",
        "took 2 epochs at most, of as many",
        "A method stopped after",
        "the accuracy on the test rows, which are no longer unseen",
        "each started from weights of their own",
        "trained without the forget rows of the scenario subset2pct",
    ):
        assert words in text


@pytest.fixture
def jobs(monkeypatch):
    """What would be trained."""

    def made(*overrides):
        seen = {}
        study = Study(load_experiment(PAPER / "iris.yaml", overrides), Store(Path("unused")))
        fits = [Fit("teacher", 0), Fit("oracle", 0, "subset2pct"), Fit("oracle", 0, "fullclass")]

        def capture(net, jobs, spec, finished):
            seen.update(zip(("teacher", "A", "B"), jobs, strict=True))
            raise InterruptedError

        monkeypatch.setattr(pipeline, "fit", capture)
        with pytest.raises(InterruptedError):
            pipeline.train(study, fits)
        return seen

    return made


def test_the_released_iris_teacher_never_sees_the_forget_rows(jobs):
    released, ours = jobs(), jobs("training.teacher_without=null")
    assert [len(job.train) for job in released.values()] == [117, 117, 80]
    np.testing.assert_array_equal(released["teacher"].train.x, released["A"].train.x)
    assert len(ours["teacher"].train) == 120


def test_released_trainings_are_judged_on_all_test_rows(jobs):
    for job in jobs().values():
        assert np.bincount(job.val.y).tolist() == [10, 10, 10]


def test_released_trainings_start_each_from_its_own_weights(jobs):
    own, paired = jobs(), jobs("training.paired=true")
    assert len({tuple(job.init.theta.tolist()) for job in own.values()}) == 3
    assert len({tuple(job.init.theta.tolist()) for job in paired.values()}) == 1


@pytest.mark.parametrize(
    ("dataset", "epochs", "patience"),
    [("iris", 15, 15), ("mnist", 25, 6), ("fashion_mnist", 25, 6)],
)
def test_released_epochs_and_patience(dataset, epochs, patience):
    """Epochs of SCRUB, certified, Q-MUL and ADV-UNIFORM are their own."""
    experiment = load_experiment(PAPER / f"{dataset}.yaml")
    own = {name: one.options.epochs for name, one in experiment.methods.items()}
    image = dataset != "iris"
    expected = {"SCRUB": 60 if image else 50, "SCRUB(+R)": 60 if image else 50}
    expected |= {"Certified": 12 if image else 5, "Q-MUL": 12 if image else 5}
    expected["ADV-UNIFORM"] = 15 if image else 10
    assert {name: value for name, value in own.items() if value} == expected
    assert (experiment.unlearning.epochs, experiment.unlearning.patience) == (epochs, patience)
    assert list(experiment.methods)[2:] == METHODS
