"""The bank: who holds the rows and who lacks them, under conditions that hide no data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from qhu.errors import UserError
from qhu.evidence.bank import REFERENCE, Bank
from qhu.evidence.examined import CONDITIONS, SHOTS, conditions, exhibits, outputs
from qhu.evidence.game import margin
from qhu.evidence.planted import FAR, HOLDS, margins
from qhu.evidence.pool import Pool
from qhu.record.store import MemoryStore
from qhu.settings.experiment import load_experiment
from qhu.study import Study

TINY = """
name: tiny
unlearning: {steps: 8}
scenarios:
  class: {label: 0}
methods: [finetune]
"""
SMALL = ["evidence.models=12", "evidence.bank=8", "training.epochs=20"]


def changed(settings):
    """The small settings, but for those that are given."""
    return list({text.partition("=")[0]: text for text in (*SMALL, *settings)}.values())


def make_bank(file, *settings, scenario="class"):
    experiment = load_experiment(file, changed(settings), ["finetune"])
    return Bank(Pool(Study(experiment, MemoryStore())), scenario)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    file = tmp_path_factory.mktemp("bank") / "tiny.yaml"
    file.write_text(TINY)
    return make_bank(file)


@pytest.fixture
def quick(monkeypatch):
    """Models that are hardly moved, evaluated without a device."""
    monkeypatch.setattr("qhu.evidence.bank.PLANTING", 2)
    for condition in ("shots", "device noise"):
        monkeypatch.delitem(CONDITIONS, condition)
    return ["training.epochs=2"]


def test_lacking_kinds_never_see_what_they_lack(tiny, quick):
    """The forget rows may be anything: models that lack them stay the same, others do not."""
    first, second = (make_bank(tiny, "data.scale=none", *quick) for _ in range(2))
    second.study.data.x[second.asked] += 0.5
    made = [bank.make() for bank in (first, second)]
    assert set(made[0]) == {*HOLDS, REFERENCE}
    for kind, holds in {**HOLDS, REFERENCE: False}.items():
        same = torch.equal(made[0][kind].theta, made[1][kind].theta)
        assert same != holds, kind


def test_every_lacking_model_is_another_one(bank):
    made = bank.make()
    lacking = [made[k].theta for k in (*[k for k, h in HOLDS.items() if not h], REFERENCE)]
    for i, theta in enumerate(lacking):
        assert not any(torch.equal(theta[0], other[0]) for other in lacking[i + 1 :])


def test_planted_rows_are_as_far_from_the_oracle_as_said(bank):
    shown = exhibits(bank, "exact")
    own = {k: margin(v, shown.labels)[shown.requested] for k, v in shown.logits.items()}
    assert own["memoriser"].mean() > own["teacher"].mean() + 2
    assert (own["memoriser"] - own["oracle"]).mean() > FAR - 1
    assert (own["streisand"] - own["oracle"]).mean() < 1 - FAR
    right = shown.probabilities["relabelled"].argmax(axis=2) == (shown.labels + 1) % 3
    assert right[shown.requested].mean() > 0.9
    drowned, oracle = (shown.accuracy(k, shown.retain).mean() for k in ("drowned", "oracle"))
    assert drowned < oracle - 0.05


def test_margins_are_those_of_the_games():
    logits = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20).reshape(4, 5) % 3
    expected = margin(logits.double().numpy(), labels.numpy())
    assert np.allclose(margins(logits, labels).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_leave_what_models_hold(bank, condition):
    """References and kinds are measured alike; the teacher before unlearning is left alone."""
    exact, shown = exhibits(bank, "exact"), exhibits(bank, condition)
    assert set(shown.probabilities) == {*HOLDS, REFERENCE, "before"}
    moved = {k: np.abs(p - exact.probabilities[k]).max() for k, p in shown.probabilities.items()}
    if condition == "exact":
        assert not any(moved.values())
    elif condition == "relearned":
        assert moved.pop("before") == 0 and all(change > 0 for change in moved.values())
    else:
        assert all(0 < change < 0.9 for change in moved.values())
        assert all(np.array_equal(shown.theta[k], exact.theta[k]) for k in HOLDS)
    label = shown.probabilities["memoriser"][:, np.arange(len(shown.labels)), shown.labels]
    assert label[shown.requested].mean() > 0.5


def test_shots_have_the_spread_of_their_number(bank):
    noise = (
        exhibits(bank, "shots").features["teacher"] - exhibits(bank, "exact").features["teacher"]
    )
    f = exhibits(bank, "exact").features["teacher"]
    wide = np.abs(f) < 0.9
    assert np.std(noise[wide] / np.sqrt((1 - f[wide] ** 2) / SHOTS)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("model", "left_out"),
    [
        ([], set()),
        (["model.quantum=false"], {"shots", "device noise"}),
        (["data={source: wine, pca: 8}"], {"device noise"}),
    ],
)
def test_conditions_that_say_nothing_or_cost_too_much_are_left_out(tiny, model, left_out):
    study = make_bank(tiny, *model).study
    assert set(CONDITIONS) - set(conditions(study)) == left_out


def test_models_and_outputs_are_made_once(bank, monkeypatch):
    first = outputs(bank, "exact")
    monkeypatch.setattr(Bank, "_made", lambda bank: pytest.fail("made twice"))
    again = Bank(Pool(bank.study), "class")
    assert np.array_equal(outputs(again, "exact")["teacher theta"], first["teacher theta"])


def test_what_no_bank_can_be_made_of_is_refused(qhu, tiny):
    with pytest.raises(UserError, match="set evidence"):
        make_bank(tiny, "evidence.models=8", "scenarios.one.ids=[0]", scenario="one")
    one = ["scenarios={one: {ids: [0]}}", "evidence.models=8"]
    few = [part for setting in one for part in ("-s", setting)]
    status, _, err = qhu("evidence", tiny, *few)
    assert status == 2 and "evidence.bank to 0" in err and err.count("\n") == 1
    assert not list(Path().rglob("*.safetensors"))
    for setting, reason in (("bank=3", "8 models"), ("examined=nothing", "no scenario 'nothing'")):
        status, _, err = qhu("evidence", tiny, "-s", f"evidence.{setting}")
        assert status == 2 and reason in err and err.count("\n") == 1


def test_one_command_ranks_the_metrics(qhu, tiny, quick):
    settings = [part for setting in changed(quick) for part in ("-s", setting)]
    status, _, err = qhu("evidence", tiny, "--methods", "none", *settings)
    assert (status, err) == (0, "")
    table = pd.read_csv("runs/evidence/tiny/metrics.csv")
    assert list(table.columns) == ["metric", "condition", "auc", "ci_low", "ci_high"]
    assert set(table["condition"]) == set(CONDITIONS)
    assert {"ulira", "acc_forget", "klom_median", "tow", "uqi", "mia_forget"} <= set(
        table["metric"]
    )
    assert (table["ci_low"] <= table["auc"]).all() and (table["auc"] <= table["ci_high"]).all()
