"""The pool: who saw what, models equal to those made alone, resumed, and read by one command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from qhu.evidence.pool import Pool, PoolBatch
from qhu.record.store import MemoryStore
from qhu.seeding import torch_stream
from qhu.settings.experiment import load_experiment
from qhu.study import Study
from qhu.training import FitJob, fit

ROOT = Path(__file__).parents[2]
SMALL = ["evidence.models=12", "evidence.bank=0", "training.epochs=3", "unlearning.steps=6"]


def overriding(settings):
    return [part for setting in settings for part in ("-s", setting)]


@pytest.fixture
def pool(tiny):
    return Pool(Study(load_experiment(tiny, SMALL, ["finetune", "scrub"]), MemoryStore()))


def test_every_row_is_in_half_of_the_models_and_no_other_rows_are(pool):
    train = pool.whole.train
    assert (pool.members[:, train].sum(axis=0) == 6).all()
    assert pool.members.sum() == 6 * len(train)
    assert (pool.members[::2] ^ pool.members[1::2])[:, train].all()


def test_a_teacher_is_trained_on_its_half_alone(pool):
    """The fifth, trained again by hand."""
    study, number = pool.study, 5
    rows = np.flatnonzero(pool.members[number])
    name = ("teacher", "", 0, number)
    init = study.net("train").initial(torch_stream(0, "pool", "init", number))
    order = torch_stream(0, "pool", "order", *name)
    device = study.torch_device
    job = FitJob(pool.whole.rows(rows, device), pool.whole.rows(rows[:0], device), init, order)
    (alone,) = fit(study.net("train"), [job], study.experiment.training)
    theta = pool.models("teacher").states.theta[number]
    assert torch.allclose(theta, alone.state.theta, rtol=1e-3, atol=1e-4)


def test_oracles_never_see_what_is_requested(tiny):
    """Rows that are requested may be anything: the oracles stay the same."""
    unscaled = load_experiment(tiny, [*SMALL, "data.scale=none"], ["finetune"])
    first, second = (Pool(Study(unscaled, MemoryStore())) for _ in range(2))
    second.study.data.x[second.requests("class")[-1]] += 1
    thetas = [
        [pool.models(*kind).states.theta for kind in (("oracle", "class"), ("teacher",))]
        for pool in (first, second)
    ]
    assert torch.equal(thetas[0][0], thetas[1][0])
    assert not torch.equal(thetas[0][1], thetas[1][1])


def test_models_keep_their_numbers_whatever_stacks_they_are_in(pool):
    """Batches sort by how much is to be forgotten; logits are those of the model of the number."""
    finetuned = pool.models("finetune", "class")
    assert finetuned.numbers.tolist() == list(range(12))
    net = pool.study.net("train")
    for number in (0, 7, 11):
        alone = net.infer(finetuned.states.model(number), pool.whole.samples).numpy()
        assert np.allclose(alone, finetuned.logits[number], atol=1e-4)


def test_retrain_is_the_second_oracle_and_none_the_teacher(pool):
    theta = pool.models("retrain", "class").states.theta
    assert torch.equal(theta, pool.models("floor", "class").states.theta)
    assert not torch.equal(theta, pool.models("oracle", "class").states.theta)
    teachers = pool.models("teacher").states.theta
    assert torch.equal(pool.models("none", "class").states.theta, teachers)


def test_a_batch_is_made_once_and_again_where_its_method_changes(pool, tiny, monkeypatch):
    batch = PoolBatch("finetune", "class")
    stage = pool.make(batch)
    monkeypatch.setattr(Pool, "_unlearned", lambda *given: pytest.fail("made twice"))
    assert pool.make(batch).key == stage.key
    changed = load_experiment(tiny, [*SMALL, "methods.finetune.lr=0.5"], ["finetune"])
    assert Pool(Study(changed, MemoryStore())).key(batch) != stage.key


def test_fewer_models_are_unlearned_where_a_scenario_asks_for_it(tiny):
    few = load_experiment(tiny, [*SMALL, "evidence.fewer.class=8"], ["finetune"])
    pool = Pool(Study(few, MemoryStore()))
    assert len(pool.models("finetune", "class").logits) == 8 == pool.count("class")
    assert pool.requested("class").shape[0] == 8


def test_one_command_gathers_judges_and_resumes(qhu, tiny, monkeypatch):
    arguments = ["evidence", tiny, "--methods", "finetune", *overriding(SMALL)]
    status, out, err = qhu(*arguments)
    assert (status, err) == (0, "") and "cannot tell" in out
    folder = Path("runs/evidence/tiny")
    verdicts = pd.read_csv(folder / "verdicts.csv")
    assert set(verdicts["method"]) == {"none", "retrain", "finetune"}
    evidence = pd.read_csv(folder / "evidence.csv")
    assert {"forget", "retain", "test"} <= set(evidence["tier"])
    distances = evidence[evidence["attack"] == "distribution"]
    documented = (ROOT / "docs" / "evidence" / "verdicts.md").read_text()
    for metric in distances["metric"].unique():
        assert f"`{metric}`" in documented
    assert len(distances) == 2 * 3 * (10 + 4 + 4)
    monkeypatch.setattr(Pool, "make", lambda pool, batch: pool.study.store.load(pool.key(batch)))
    assert qhu(*arguments)[0] == 0
    assert verdicts.equals(pd.read_csv(folder / "verdicts.csv"))


def test_a_folder_of_something_else_is_refused_before_anything_is_computed(qhu, tiny, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("kept")
    status, _, err = qhu("evidence", tiny, *overriding(SMALL), "--out", tmp_path / "mine")
    assert status == 2 and "other files" in err and not Path("runs").exists()
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_evidence_of_other_settings_takes_the_place_of_earlier(qhu, tiny):
    """The folder has the experiment's name, whatever its settings are; a run's is refused."""
    for models in (8, 12):
        few = [f"evidence.models={models}", *SMALL[1:], "evidence.attacks=[loss]"]
        assert qhu("evidence", tiny, "--methods", "finetune", *overriding(few))[0] == 0
    assert json.loads(Path("runs/evidence/tiny/run.json").read_text())["pool"] == 12
    assert qhu("run", tiny, "--out", "ordinary", "--methods", "finetune")[0] == 0
    status, _, err = qhu("evidence", tiny, *overriding(SMALL), "--out", "ordinary")
    assert status == 2 and "another experiment" in err
    assert Path("ordinary/results.csv").exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["evidence.models=9"], "evidence.models"),
        (["evidence.fewer.class=9"], "even number"),
        (["evidence.fewer.nothing=8"], "nothing"),
        (["data.scale_rows=retain"], "scale_rows"),
        (["training.teacher_without=class"], "teacher_without"),
        (["evidence.attacks=[nonsense]"], "nonsense"),
    ],
)
def test_what_no_pool_can_be_made_of_is_refused_first(qhu, tiny, settings, reason):
    status, _, err = qhu("evidence", tiny, *overriding(settings))
    assert status == 2 and reason in err and err.count("\n") == 1
    assert not Path("runs").exists()
