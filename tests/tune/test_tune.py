"""The command, on a small experiment."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import Field, model_validator
from rich.console import Console

from qhu import pipeline, registry
from qhu.errors import UserError
from qhu.record.store import Store
from qhu.report.design import TUNING_SPENDS, design
from qhu.settings.experiment import load_experiment
from qhu.study import Cell, Fit, Study
from qhu.tune.run import run
from qhu.tune.search import Search, search
from qhu.unlearn.task import MethodOptions

OUT = Path("experiments/tuned/tiny.yaml")
TRIALS = Path("runs/tuned/tiny/trials.csv")
FEW = ("--trials", "3", "--seeds", "100")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Finished stages, shared by the tests that do not count them."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def tuned(tiny, qhu, kept):
    """A working folder in which the experiment was tuned; what was printed."""
    Path("runs").mkdir()
    Path("runs/.stages").symlink_to(kept)
    status, printed, errors = qhu("tune", tiny, *FEW)
    assert status == 0, errors
    return printed


def test_every_method_has_as_many_trials_and_its_own_options_first(tuned, tiny):
    trials = pd.read_csv(TRIALS)
    assert trials.groupby("method").size().to_dict() == {
        "none": 1,
        "retrain": 1,
        "finetune": 3,
        "scrub": 3,
    }
    given = load_experiment(tiny).methods
    for label, rows in trials.groupby("method"):
        first = yaml.safe_load(rows["options"].iloc[0])
        assert first == given[label].options.model_dump(mode="json")
        assert rows["trial"].to_list() == list(range(len(rows)))
    assert "nothing to tune" in tuned


def test_no_tuned_method_is_worse_than_before_on_what_was_minimised(tuned):
    trials, about = pd.read_csv(TRIALS), load_experiment(OUT).tuned
    for label, rows in trials.groupby("method"):
        its = about.methods[label]
        assert its.before.objective == pytest.approx(rows["objective"].iloc[0], abs=1e-6)
        assert its.after.objective == pytest.approx(rows["objective"].min(), abs=1e-6)
        assert its.after.objective <= its.before.objective
        assert its.trials == len(rows)
        best = rows.loc[rows["objective"].idxmin()]
        assert best["pareto"]
    assert about.methods["retrain"].after.objective == 0


def test_the_file_is_the_experiment_with_the_best_options_and_where_they_come_from(tuned, tiny):
    given, written = load_experiment(tiny), load_experiment(OUT)
    trials = pd.read_csv(TRIALS)
    for label, rows in trials.groupby("method"):
        best = yaml.safe_load(rows.loc[rows["objective"].idxmin(), "options"])
        assert written.methods[label].options.model_dump(mode="json") == best
        assert (best["steps"], best["epochs"], best["patience"]) == (None, None, None)
        about = written.tuned
    assert (about.experiment, about.seeds, about.trials) == ("tiny", (100,), 3)
    assert about.scenarios == ("subset", "class")
    assert set(about.versions) == {"qhu", "optuna"}
    update = {"methods": given.methods, "name": "tiny", "tuned": None}
    assert written.model_copy(update=update) == given


def test_the_same_command_gives_the_same_file_whoever_computes(tuned, tiny, qhu):
    before, trials = OUT.read_bytes(), TRIALS.read_bytes()
    Path("runs/.stages").unlink()  # another store: everything is computed again
    assert qhu("tune", tiny, *FEW)[0] == 0
    assert (OUT.read_bytes(), TRIALS.read_bytes()) == (before, trials)


def test_a_repeat_computes_nothing_and_more_trials_go_on(tuned, tiny, qhu, monkeypatch):
    before = pd.read_csv(TRIALS)
    computed = []
    put = Store.put
    monkeypatch.setattr(Store, "put", lambda *given: computed.append(given) or put(*given))
    assert qhu("tune", tiny, *FEW)[0] == 0
    assert not computed
    assert qhu("tune", tiny, "--trials", "4", "--seeds", "100")[0] == 0
    after = pd.read_csv(TRIALS)
    pd.testing.assert_frame_equal(
        after[after["trial"] < 3].drop(columns="pareto").reset_index(drop=True),
        before.drop(columns="pareto"),
    )
    # one more trial of two methods in two scenarios: a model each, and what it does
    assert len(computed) == 2 * 2 * 2


@pytest.mark.slow
def test_workers_find_the_same(tuned, tiny, qhu):
    before = OUT.read_bytes()
    Path("runs/.stages").unlink()
    assert qhu("tune", tiny, *FEW, "--workers", "2")[0] == 0
    assert OUT.read_bytes() == before


def test_one_scenario_alone(tiny, qhu, kept):
    Path("runs").mkdir()
    Path("runs/.stages").symlink_to(kept)
    assert qhu("tune", tiny, *FEW, "--scenario", "class", "--methods", "finetune")[0] == 0
    written = load_experiment(OUT.with_name("tiny-class.yaml"))
    assert (written.name, list(written.scenarios)) == ("tuned-tiny-class", ["class"])
    assert written.tuned.scenarios == ("class",)
    assert Path("runs/tuned/tiny-class/trials.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seeds", "1,100"), "seeds 1 are both tuned on and reported"),
        (("--seeds", "100,100"), "seeds must differ"),
        (("--seeds", "x"), "seeds must be integers"),
        (("--trials", "0"), "trials"),
        (("--scenario", "clas"), "did you mean 'class'"),
        (("-s", "data.val=0"), "raise data.val"),
        (
            ("-s", "unlearning={select: test_accuracy, patience: 2}"),
            "set unlearning.select to val_loss",
        ),
        (("-s", "stages.evaluate=ibm_fez"), "tune on a simulator"),
        (("--out", "tiny.yaml"), "tiny.yaml is no file of qhu tune"),
        (("--methods", "scrub_rewind", "-s", "unlearning.batch_size=1"), "scrub_rewind"),
    ],
)
def test_what_cannot_be_tuned_is_one_line_and_leaves_nothing(tiny, qhu, words, message):
    content = tiny.read_bytes()
    status, _, errors = qhu("tune", tiny, *words)
    assert (status, errors.count("\n")) == (2, 1), errors
    assert message in errors
    assert tiny.read_bytes() == content
    assert not OUT.exists() and not TRIALS.exists()


def test_what_was_tuned_is_not_tuned_again_nor_reported_on_its_tuning_seeds(tuned, tiny, qhu):
    status, _, errors = qhu("tune", OUT, "--seeds", "200")
    assert status == 2 and "is tuned already: tune tiny" in errors
    status, _, errors = qhu("run", OUT, "--seeds", "0,100")
    assert status == 2 and "seeds 100 are both tuned on and reported" in errors
    assert not Path("runs/tuned-tiny").exists()


def test_no_number_depends_on_where_options_come_from(tuned):
    written = load_experiment(OUT)
    bare = written.model_copy(update={"tuned": None})
    studies = [Study(experiment, Store(Path("runs/.stages"))) for experiment in (written, bare)]
    cell = Cell("class", "scrub", 0)
    assert len({pipeline.fit_key(study, Fit("teacher", 0)) for study in studies}) == 1
    assert len({pipeline.unlearn(study, cell).key for study in studies}) == 1
    assert "tuned" not in bare.model_dump()


def test_the_page_says_what_was_tuned_and_what_that_spent(tuned):
    settings = load_experiment(OUT).model_dump(mode="json")
    texts = " ".join(statement.text for statement in design(settings))
    assert "tuned on the seeds 100, none of which is reported, with 3 trials" in texts
    assert TUNING_SPENDS in texts
    untuned = {key: value for key, value in settings.items() if key != "tuned"}
    assert "tuned" not in " ".join(statement.text for statement in design(untuned))


def test_what_is_printed_says_what_tuning_spent(tuned):
    words = " ".join(tuned.split())
    assert TUNING_SPENDS in words
    assert "Not tuned: steps, epochs, patience" in words or "all methods have the same" in words


def on_tuning_seeds(tiny, *overrides):
    return Study(load_experiment(tiny, ["seeds=[100]", *overrides]))


def test_test_rows_are_never_read(tiny):
    """Whatever stands in the test rows of a seed, its trials come to the same."""
    asked = Search("finetune", ("subset", "class"), 3)
    first = search(on_tuning_seeds(tiny), asked)
    study = on_tuning_seeds(tiny)
    test = study.partition(100).test
    x = study.data.x.copy()
    x[test] = np.random.default_rng(0).uniform(-1e3, 1e3, x[test].shape)
    study.data = replace(study.data, x=x)
    study._partitions.clear()
    assert search(study, asked).trials == first.trials


def test_the_first_trial_takes_part_in_the_search_only_where_it_may_be_drawn(tiny):
    study = on_tuning_seeds(tiny, "methods.finetune.lr=5", "unlearning.lr=0.001")
    outcome = search(study, Search("finetune", ("subset",), 2))
    assert outcome.trials[0].options.lr == 5
    assert outcome.trials[1].options.lr != 5


PICKY = ("--methods", "picky", "--seeds", "100", "--scenario", "class")


def test_forget_sets_that_have_to_be_estimated_first(tiny, qhu):
    """Memorised rows of a tuning seed need networks on halves of its own rows."""
    scenarios = "scenarios={worst: {memorised: {top: 3, models: 4}}}"
    words = ("--methods", "finetune", "--seeds", "100", "--trials", "1", "-s", scenarios)
    status, _, errors = qhu("tune", tiny, *words)
    assert status == 0, errors
    assert load_experiment(OUT).scenarios["worst"].memorised.top == 3


class PickyOptions(MethodOptions):
    """Options of a method that refuses combinations of two."""

    first: float = Field(0.5, ge=0, le=1)
    """one share"""
    second: float = Field(0.5, ge=0, le=1)
    """another share"""

    @model_validator(mode="after")
    def _together(self):
        if self.first + self.second > 1:
            raise ValueError("no more than 1 together")
        return self


@pytest.fixture
def picky(monkeypatch):
    """A method whose options forbid about half of what its bounds allow."""
    monkeypatch.setattr(registry.method, "_entries", dict(registry.method._entries))

    @registry.method("picky")
    def picky(student, task, options: PickyOptions):
        """Do nothing, but refuse large sums."""
        if options.first > 0.9:
            raise UserError("first is too large")


def test_refused_combinations_are_no_trials_and_are_said(tiny, qhu, picky):
    status, printed, errors = qhu("tune", tiny, *PICKY, "--trials", "6")
    assert status == 0, errors
    assert (
        pd.read_csv(TRIALS.parent.with_name("tiny-class") / TRIALS.name)["method"] == "picky"
    ).sum() == 6
    words = " ".join(printed.split())
    assert "picky refused" in words and "combinations, which are no trials" in words


def test_a_method_that_refuses_everything_is_said_and_writes_nothing(tiny, qhu, picky):
    settings = ("-s", "methods.picky.first=0", "-s", "methods.picky.second=1")
    entry = registry.method["picky"]
    narrow = {"tune": {"low": 0.95, "high": 1.0}}

    class Impossible(PickyOptions):
        first: float = Field(0.5, ge=0, le=1, json_schema_extra=narrow)

    registry.method._entries["picky"] = replace(entry, options=Impossible)
    status, _, errors = qhu("tune", tiny, *PICKY, "--trials", "2", *settings)
    assert (status, errors.count("\n")) == (2, 1)
    assert "picky refuses most combinations" in errors
    assert not OUT.with_name("tiny-class.yaml").exists()


def test_the_experiment_s_own_options_have_to_work(tiny, qhu, picky):
    settings = ("-s", "methods.picky.first=0.95", "-s", "methods.picky.second=0")
    status, _, errors = qhu("tune", tiny, *PICKY, "--trials", "2", *settings)
    assert status == 2 and "first is too large" in errors


def test_an_interrupted_tuning_goes_on(tiny, qhu, monkeypatch):
    """Ctrl-C in the middle of a method; its finished models are not made again."""
    words = ("tune", tiny, *FEW, "--methods", "finetune", "--scenario", "class")
    out, judged, unlearn = OUT.with_name("tiny-class.yaml"), [], pipeline.unlearn

    def stopping(study, cell):
        judged.append(cell)
        if len(judged) == 4:
            raise KeyboardInterrupt
        return unlearn(study, cell)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "unlearn", stopping)
        status, _, errors = qhu(*words)
    assert status == 130 and "the same command resumes" in errors
    assert not out.exists()
    assert qhu(*words)[0] == 0
    first = out.read_bytes()
    shutil.rmtree("runs")
    assert qhu(*words)[0] == 0
    assert out.read_bytes() == first


def test_the_same_in_python(tiny):
    experiment = load_experiment(tiny, methods=["finetune"])
    file = run(experiment, 2, (100,), Path("mine.yaml"), Console(quiet=True))
    assert load_experiment(file).tuned.seeds == (100,)
