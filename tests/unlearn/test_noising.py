"""Fisher forgetting and certified noisy fine-tuning."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from qhu.errors import UserError
from qhu.unlearn.certificate import NoisySteps, epsilon_of
from qhu.unlearn.fisher import fisher_diagonal
from qhu.unlearn.noisy_finetune import clipped


@pytest.mark.parametrize(("form", "exponent"), [("paper", 0.25), ("notebook", 0.5)])
def test_fisher_noise_has_the_stated_spread(apply, student, task, form, exponent):
    options = {"form": form, "noise": 1e-6, "largest": 1e4}
    moves = torch.stack(
        [
            apply(task, "fisher_forgetting", options, seed=seed).theta - task.teacher.theta
            for seed in range(8)
        ]
    )
    fisher = fisher_diagonal(student(task), task.retain)
    spread = (1e-6 / fisher.clamp(min=1e-4)) ** exponent
    normal = moves / spread
    assert float(normal.std()) == pytest.approx(1, abs=0.1)
    assert apply(task, "fisher_forgetting").student.steps_left == 5


def test_certificate_names_all_parameters_and_they_agree(apply, task):
    options = {"epsilon": 2.0, "delta": 1e-6, "noisy": 0.3, "decay": 5.0}
    facts = apply(task, "noisy_finetune", options, steps=20, lr=0.05).facts
    assert set(facts) == {"C0", "C1", "gamma", "lambda", "sigma", "T", "mu", "delta", "epsilon"}
    assert facts["epsilon"] == pytest.approx(2.0)
    assert facts["T"] == 6
    run = NoisySteps(*(facts[k] for k in ("C0", "C1", "gamma", "lambda")), int(facts["T"]))
    assert run.mu(facts["sigma"]) == pytest.approx(facts["mu"])
    assert epsilon_of(facts["mu"], 1e-6) == pytest.approx(facts["epsilon"])


def test_given_noise_is_accounted_for(apply, task):
    facts = apply(task, "noisy_finetune", {"sigma": 0.5}, steps=8).facts
    assert facts["sigma"] == 0.5
    assert facts["epsilon"] == pytest.approx(epsilon_of(facts["mu"], 1e-5))


@pytest.mark.parametrize(
    ("fixture", "scope"), [("norm_task", "all"), ("task", "quantum"), ("task", "classical")]
)
def test_what_escapes_the_noise_withholds_the_certificate(request, apply, fixture, scope):
    task = request.getfixturevalue(fixture)
    facts = apply(task, "noisy_finetune", scope=scope, steps=8).facts
    assert set(facts) == {"C0", "C1", "gamma", "lambda", "sigma", "T"}


def test_steps_that_contract_to_nothing_are_refused(apply, task):
    with pytest.raises(UserError, match="decay"):
        apply(task, "noisy_finetune", {"decay": 100.0}, lr=0.01)


def test_starts_inside_the_ball_around_the_initial_state(apply, task):
    """One step with hardly any noise, clip or rate shows the start."""
    options = {"radius": 0.5, "sigma": 1e-9, "clip": 1e-9, "decay": 0.0, "noisy": 1.0}
    start = apply(task, "noisy_finetune", options, steps=1, lr=1e-6).theta
    away = task.teacher.theta - task.init.theta
    assert float((start - task.init.theta).norm()) == pytest.approx(0.5, rel=1e-3)
    assert torch.allclose(start - task.init.theta, 0.5 * away / away.norm(), atol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 4.0])
def test_a_noisy_step_clips_the_gradient_and_decays_towards_the_initial_state(
    apply, student, task, decay
):
    options = {"radius": 0.5, "clip": 0.01, "decay": decay, "sigma": 1e-9, "noisy": 1.0}
    kwargs = {"steps": 1, "lr": 0.1, "batch_size": 200}
    end = apply(task, "noisy_finetune", options, **kwargs).theta
    away = task.teacher.theta - task.init.theta
    start = 0.5 * away / away.norm()
    learner = student(replace(task, teacher=replace(task.init, theta=task.init.theta + start)))
    gradient = learner.gradient(cross_entropy(learner(task.retain.x), task.retain.y))
    assert gradient.norm() > 0.1
    pull = 0.01 * gradient / gradient.norm() + decay * start
    assert torch.allclose(end, task.init.theta + start - 0.1 * pull, atol=1e-5)


def test_forgets_where_it_started(apply, task):
    """With strong decay, runs from any two starts end alike: what the certificate is about."""
    options = {"sigma": 0.01, "decay": 9.0, "noisy": 1.0}
    other = replace(task, teacher=replace(task.teacher, theta=-task.teacher.theta))
    ends = [apply(t, "noisy_finetune", options, steps=8, lr=0.1).theta for t in (task, other)]
    bound = 2 * 0.1**8 + 2 * 0.1 * 0.1 / 0.9
    assert float((ends[0] - ends[1]).norm()) <= bound


def test_noisy_steps_add_independent_noise_of_size_sigma(apply, task):
    options = {"radius": 0.0, "clip": 1e-9, "decay": 0.0, "sigma": 0.3, "noisy": 1.0}
    moved = apply(task, "noisy_finetune", options, steps=16, lr=1e-6).theta - task.init.theta
    assert float(moved.std()) == pytest.approx(0.3 * math.sqrt(16), rel=0.2)


def test_only_the_last_noisy_iterate_is_released(apply, task):
    """Losses along the noisy steps would reveal iterates that the certificate keeps hidden."""
    history = apply(task, "noisy_finetune", {"noisy": 0.5}, steps=8).student.histories[0]
    assert ["loss" in line for line in history] == [False] * 4 + [True] * 4


def test_batches_do_not_depend_on_what_is_forgotten(apply, task, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "qhu.unlearn.noisy_finetune.cross_entropy",
        lambda logits, y: seen.append(y) or cross_entropy(logits, y),
    )
    for forget in (task.forget, task.val):
        apply(replace(task, forget=forget), "noisy_finetune", {"noisy": 1.0}, steps=6)
    assert all(torch.equal(a, b) for a, b in zip(seen[:6], seen[6:], strict=True))


def test_clipping_shortens_only_what_is_too_long_and_only_inside_the_scope():
    vector, moving = torch.tensor([3.0, 4.0, 12.0]), torch.tensor([True, True, False])
    assert torch.allclose(clipped(vector, 1.0, moving), torch.tensor([0.6, 0.8, 0.0]))
    assert torch.equal(clipped(vector, 9.0, moving), torch.tensor([3.0, 4.0, 0.0]))
    assert torch.equal(clipped(torch.zeros(3), 0.0, moving), torch.zeros(3))
