"""Methods that read state vectors, and noise with its accounting: what they promise."""

import math
from dataclasses import replace

import pytest
import torch

from qhu.checks import check
from qhu.errors import UserError
from qhu.model.states import entanglement, quantum_fisher, states
from qhu.settings.experiment import make_experiment
from qhu.study import Study
from qhu.unlearn.certificate import epsilon_of
from qhu.unlearn.learner import UNBOUNDED
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.null_space_ascent import null_space

METHODS = ("qfi_dampening", "null_space_ascent", "natural_gradient", "entanglement_pruning")


def circuit(task):
    return task.net.theta.mask("quantum")


def kept_fidelity(task, theta, rows):
    """Fidelity of the rows' states, before and after."""
    before, after = (
        states(task.net, replace(task.teacher, theta=at), rows.x)
        for at in (task.teacher.theta, theta)
    )
    return (before.conj() * after).sum(-1).abs().square()


# Dampening


def test_dampening_follows_the_rule(apply, deep_task):
    options = {"finetune": False, "alpha": 0.95, "strength": 0.6}
    applied = apply(deep_task, "qfi_dampening", options)
    information = [
        quantum_fisher(deep_task.net, deep_task.teacher, x).diagonal()
        for x in (deep_task.forget.x, torch.cat([deep_task.retain.x, deep_task.forget.x]))
    ]
    ratio = (information[0] / information[1]).float()
    kept = torch.where(ratio > 0.95, (0.6 / ratio).clamp(max=1), 1.0)
    mask = circuit(deep_task)
    start, end = deep_task.init.theta[mask], deep_task.teacher.theta[mask]
    torch.testing.assert_close(
        applied.theta[mask], start + kept * (end - start), atol=1e-5, rtol=1e-4
    )
    assert torch.equal(applied.theta[~mask], deep_task.teacher.theta[~mask])
    assert applied.facts["dampened"] == (ratio > 0.95).sum() > 0
    assert applied.student.steps_left == 5


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_where_all_rows_are_to_be_forgotten_nothing_is_dampened(apply, deep_task, alpha):
    whole = replace(deep_task, retain=deep_task.retain, forget=deep_task.retain)
    applied = apply(whole, "qfi_dampening", {"alpha": alpha, "finetune": False})
    assert torch.equal(applied.theta, deep_task.teacher.theta)
    assert (applied.facts["dampened"], applied.facts["kept"]) == (0, 1)


def test_a_turn_of_four_pi_is_no_distance_from_the_identity(apply, deep_task):
    mask = circuit(deep_task)
    turned = deep_task.teacher.theta + 4 * math.pi * mask
    other = replace(deep_task, teacher=replace(deep_task.teacher, theta=turned))
    options = {"towards": "identity", "finetune": False, "alpha": 0.01, "strength": 0.5}
    ends = [apply(task, "qfi_dampening", options).theta for task in (deep_task, other)]
    torch.testing.assert_close(ends[1] - 4 * math.pi * mask, ends[0], atol=1e-4, rtol=0)
    assert (ends[0][mask].abs() < deep_task.teacher.theta[mask].abs()).float().mean() > 0.9


# Null space


def test_retained_states_stay_to_first_order_where_forget_rows_are_climbed(apply, loss, deep_task):
    options = {"threshold": 0.3, "refresh": 1}
    applied = apply(deep_task, "null_space_ascent", options, steps=4, lr=0.02)
    theta, mask = applied.theta, circuit(deep_task)
    assert applied.facts["directions"] > 0
    assert loss(deep_task, applied.student.state, deep_task.forget) > loss(
        deep_task, deep_task.teacher, deep_task.forget
    )
    fisher = quantum_fisher(deep_task.net, deep_task.teacher, deep_task.retain.x)
    moved = (theta - deep_task.teacher.theta)[mask].norm().double()
    allowed = 0.3 * fisher.diagonal().mean() * moved**2 / 4
    lost = 1 - kept_fidelity(deep_task, theta, deep_task.retain).mean()
    assert 0 < lost < 1.1 * allowed
    assert torch.equal(theta[~mask], deep_task.teacher.theta[~mask])


def test_the_way_lies_in_the_null_space(apply, deep_task):
    options = {"threshold": 0.4, "refresh": 100}
    applied = apply(deep_task, "null_space_ascent", options, steps=5, lr=0.1)
    fisher = quantum_fisher(deep_task.net, deep_task.teacher, deep_task.retain.x).float()
    projector, count = null_space(fisher, 0.4)
    way = (applied.theta - deep_task.teacher.theta)[circuit(deep_task)]
    torch.testing.assert_close(projector @ way, way, atol=1e-5, rtol=1e-3)
    assert count == applied.facts["directions"] == projector.trace().round()


def test_in_a_strict_null_space_no_fidelity_falls(apply, deep_task):
    """What is redundant in the circuit: even long steps leave the states."""
    options = {"threshold": 1e-5, "refresh": 1}
    applied = apply(deep_task, "null_space_ascent", options, steps=3, lr=10.0)
    assert applied.facts["directions"] > 0
    assert kept_fidelity(deep_task, applied.theta, deep_task.retain).min() > 1 - 1e-5


def test_without_a_null_space_nothing_moves_and_it_says_so(apply, task):
    applied = apply(task, "null_space_ascent", {"threshold": 0.01}, steps=3)
    assert applied.facts["directions"] == 0
    assert torch.equal(applied.theta, task.teacher.theta)


# Natural gradient


def first_step(apply, task, **options):
    """The first step of the ascent, all rows in one batch."""
    given = {"ascent": 1.0, **options}
    applied = apply(task, "natural_gradient", given, steps=1, batch_size=200)
    return applied.theta - task.teacher.theta


def slope(task, student):
    learner = student(task)
    gradient = learner.gradient(cross_entropy(learner(task.forget.x), task.forget.y))
    return torch.where(circuit(task), gradient, 0.0)


def test_a_step_of_the_ascent_is_the_natural_gradient(apply, student, deep_task):
    step = first_step(apply, deep_task, rate=0.05, damping=0.03)
    fisher = quantum_fisher(deep_task.net, deep_task.teacher, deep_task.retain.x).float()
    back = (fisher + 0.03 * torch.eye(len(fisher))) @ step[circuit(deep_task)] / 0.05
    expected = slope(deep_task, student)
    torch.testing.assert_close(back, expected[circuit(deep_task)], atol=1e-4, rtol=1e-3)
    assert not step[~circuit(deep_task)].any()


def test_much_damping_is_plain_ascent(apply, student, deep_task):
    step = first_step(apply, deep_task, rate=1.0, damping=100.0)
    torch.testing.assert_close(100 * step, slope(deep_task, student), atol=1e-2, rtol=0.1)


def test_per_move_of_the_retained_states_it_gains_more_than_plain_ascent(apply, loss, deep_task):
    gains = []
    for options in ({"rate": 0.003, "damping": 0.003}, {"rate": 1.0, "damping": 100.0}):
        step = first_step(apply, deep_task, **options)
        end = replace(deep_task.teacher, theta=deep_task.teacher.theta + step)
        lost = 1 - kept_fidelity(deep_task, end.theta, deep_task.retain).mean()
        rows = deep_task.forget
        gained = loss(deep_task, end, rows) - loss(deep_task, deep_task.teacher, rows)
        gains.append(gained / float(lost) ** 0.5)
    assert gains[0] > 1.05 * gains[1] > 0


def test_the_ascent_is_a_share_of_the_budget(apply, deep_task):
    applied = apply(deep_task, "natural_gradient", {"ascent": 0.3}, steps=10)
    losses = [line["loss"] for line in applied.student.histories[0]]
    assert [value < 0 for value in losses] == 3 * [True] + 7 * [False]
    with pytest.raises(UserError, match="share of the step budget"):
        apply(deep_task, "natural_gradient", steps=UNBOUNDED)


# Pruning


@pytest.mark.parametrize("score", ["full", "fisher", "entanglement", "random"])
def test_the_lowest_scores_are_pruned_for_good(apply, deep_task, score):
    options = {"score": score, "share": 0.25}
    applied = apply(deep_task, "entanglement_pruning", options, steps=6)
    mask = circuit(deep_task)
    weights = applied.theta[mask]
    pruned = weights == 0
    assert pruned.sum() == applied.facts["pruned"] == 6
    assert not torch.equal(applied.theta[~mask], deep_task.teacher.theta[~mask])
    x = deep_task.retain.x
    fisher = quantum_fisher(deep_task.net, deep_task.teacher, x).diagonal()
    tangled = entanglement(deep_task.net, deep_task.teacher, x)
    scores = {"full": fisher * tangled, "fisher": fisher, "entanglement": tangled}
    if score in scores:
        assert scores[score][pruned].max() <= scores[score][~pruned].min()
    assert applied.facts["concurrence"] == pytest.approx(float(tangled[-1]), abs=1e-5)


def test_equal_scores_are_parted_at_random(apply, deep_task):
    mask = circuit(deep_task)
    for score in ("entanglement", "random"):
        options = {"score": score, "share": 0.2}
        chosen = [
            apply(deep_task, "entanglement_pruning", options, steps=1, seed=seed).theta[mask] == 0
            for seed in range(3)
        ]
        assert len({tuple(pruned.tolist()) for pruned in chosen}) > 1


def test_entanglement_is_that_behind_each_layer(make_net):
    net = make_net(layers=3, entanglement="none")
    state = net.initial(torch.Generator().manual_seed(0))
    assert entanglement(net, state, torch.rand(5, 4)).abs().max() < 1e-6
    net = make_net(layers=2)
    per_weight = entanglement(net, state_of(net), torch.rand(5, 4))
    assert len(per_weight) == 24 and len(per_weight.unique()) == 2
    assert per_weight.min() > 0.05


def state_of(net):
    return net.initial(torch.Generator().manual_seed(1))


# Noise


def test_noise_has_its_size_and_certifies_nothing_without_a_radius(apply, task):
    moves = [
        apply(task, "parameter_noise", {"sigma": 0.3}, steps=1, seed=seed).theta
        - task.teacher.theta
        for seed in range(20)
    ]
    assert float(torch.stack(moves).std()) == pytest.approx(0.3, rel=0.1)
    assert apply(task, "parameter_noise").facts == {"sigma": 0.2}


def test_a_start_within_the_radius_is_output_perturbation(apply, task):
    options = {"sigma": 0.5, "radius": 0.8, "delta": 1e-6}
    facts = apply(task, "parameter_noise", options, steps=4).facts
    assert facts["mu"] == pytest.approx(2 * 0.8 / 0.5)
    assert facts["epsilon"] == pytest.approx(epsilon_of(3.2, 1e-6))
    # Worst starts, the same noise: what is noised lies within 2·C0 of each other.
    far = task.init.theta + 100 * torch.ones_like(task.init.theta)
    other = replace(task, teacher=replace(task.teacher, theta=2 * task.init.theta - far))
    first = replace(task, teacher=replace(task.teacher, theta=far))
    ends = [apply(t, "parameter_noise", options, steps=1).theta for t in (first, other)]
    assert float((ends[0] - ends[1]).norm()) == pytest.approx(1.6, rel=1e-3)


@pytest.mark.parametrize(("fixture", "scope"), [("norm_task", "all"), ("task", "quantum")])
def test_what_escapes_the_noise_withholds_epsilon(request, apply, fixture, scope):
    escaped = request.getfixturevalue(fixture)
    facts = apply(escaped, "parameter_noise", {"radius": 1.0}, scope=scope).facts
    assert set(facts) == {"sigma", "C0"}


# Where there are no state vectors


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": {"quantum": False}}, "the network has no quantum layer"),
        ({"stages": {"unlearn": "fake_manila"}}, "under noise has no state vectors"),
        ({"stages": {"unlearn": "ibm_brisbane"}}, "which no device gives"),
        ({"unlearning": {"scope": "classical"}}, "scope to all or quantum"),
    ],
)
def test_refused_before_anything_is_computed(name, settings, words, monkeypatch):
    asked = {"name": "refused", "scenarios": {"subset": {"fraction": 0.1}}, "methods": [name]}
    study = Study(make_experiment({**asked, **settings}, "here"))
    for backend in study.paid.values():  # no account here
        monkeypatch.setattr(backend, "check", lambda: None)
    with pytest.raises(UserError, match=words) as refusal:
        check(study)
    assert str(refusal.value).startswith(f"methods.{name}") and "\n" not in str(refusal.value)
