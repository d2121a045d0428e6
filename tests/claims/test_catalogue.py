"""Every claim on planted frames: a true effect, its opposite, and too few to tell."""

from pathlib import Path

import pytest
from claim_frames import HONEST, METHODS, RELEASED, asked, costs, leaks, memory, points, runs

from qhu import registry
from qhu.claims import catalogue, needs
from qhu.claims.catalogue.balance import NAMED
from qhu.claims.groups import GROUPS, constrained, free
from qhu.claims.needs import MemoryNeed, Need, RunNeed
from qhu.claims.run import COLUMNS, tables
from qhu.claims.verdict import CANNOT_TELL, CONTRADICTED, SUPPORTED
from qhu.settings.shipped import experiments

GOOD = constrained(METHODS)
BAD = free(METHODS)


def along_axis(effect):
    """Runs of every axis in which methods' agreement moves by so much a point."""

    def value(metric, method, number, scenario):
        moved = 0.0 if method in HONEST else effect * number
        return 0.8 + (moved if metric.startswith("agree") else 0)

    return value


def led(effect, growing=0.0):
    """Runs in which constrained methods lead in everything, the accuracy on forget rows apart."""

    def value(metric, method, number, scenario):
        if metric == "acc_forget":  # the oracle's is 0.8: what is farther from it is worse
            return 0.8 if method not in (BAD if effect > 0 else GOOD) else 0.8 - abs(effect)
        return 0.7 + (effect + growing * number if method in GOOD else 0)

    return value


def nearer(effect):
    return lambda metric, method, number, scenario: 1.0 + (0 if method in HONEST else effect)


def accurate(level, best):
    return lambda metric, method, number, scenario: (
        level + (best if method in ("Certified", "noisy_finetune") else 0)
    )


def agreeing(methods, floor):
    return lambda metric, method, number, scenario: floor if method == "floor" else methods


def memorised(level, slope):
    return lambda rows, number: level + slope * number


def shallow(level, slope, first, loses):
    """What memorises little at one layer, more at six; teachers that agree less and less."""

    def value(metric, method, number, scenario):
        return 0.9 - (first + loses * number if method == "none" else 0)

    return {
        **{need: memory(memorised(level, slope), 40, points(need.experiment)) for need in POOLS},
        needs.DEPTH: runs(value, 20, points("claims-depth")),
    }


def layered(accuracy, agreement):
    def value(metric, method, number, scenario):
        is_hybrid = number == points("claims-quantum_part").index("hybrid")
        if metric == "acc_test":
            return 0.8 + (accuracy if is_hybrid else 0)
        return 0.8 + (agreement if is_hybrid and method not in HONEST else 0)

    return {needs.QUANTUM_PART: runs(value, 20, points("claims-quantum_part"))}


def embedded(amplitude, angle, classical):
    levels = {"amplitude": amplitude, "angle": angle, "classical": classical}
    at = points("claims-memory_network")
    return {needs.MEMORY_NETWORK: memory(lambda rows, number: levels[at[number]], 40, at)}


def leaking(leakage, confidence, utility, pairs=128):
    every = ["none", "retrain", *METHODS]
    values = [
        {method: measure(place, method) for place, method in enumerate(every)}
        for measure in (leakage, confidence, utility)
    ]
    return {needs.LEAKS: leaks(*values, pairs)}


def both(value, seeds=20):
    """Runs under their protocol and under ours."""
    return {
        needs.METHODS: runs(value, seeds),
        needs.THEIRS: runs(value, seeds, scenarios=("subset2pct",), methods=RELEASED),
    }


def axes(effect, seeds=20):
    listed = (needs.DEPTH, needs.ENTANGLEMENT, needs.TASK)
    at = points("claims-memory_entanglement")
    pool = {needs.MEMORY_ENTANGLEMENT: memory(memorised(0.3, effect), 40, at)}
    return pool | {
        need: runs(along_axis(effect), seeds, points(need.experiment)) for need in listed
    }


def leading(effect, growing=0.0, seeds=20):
    return {
        needs.METHODS: runs(led(effect), seeds),
        needs.TASK: runs(led(effect), seeds, points("claims-task")),
        needs.DEPTH: runs(led(effect, growing), seeds, points("claims-depth")),
    }


POOLS = (needs.MEMORY_DEPTH, needs.MEMORY_NOISE)
CASES = {
    "WORKS": ({needs.METHODS: runs(nearer(-0.5), 20)}, {needs.METHODS: runs(nearer(0.5), 20)}),
    "DEPENDENCE": (axes(-0.05), axes(0)),
    "SHALLOW": (shallow(0.01, 0.1, 0.0, 0.03), shallow(0.2, -0.02, 0.2, -0.03)),
    "STRUCTURED": (leading(0.1, 0.03), leading(-0.1, -0.03)),
    "CONSTRAINTS": (leading(0.1), leading(-0.1)),
    "BALANCE": (
        leaking(
            lambda i, m: 0.5 if m in NAMED else 0.7,
            lambda i, m: 0.5,
            lambda i, m: 0.0 if m in NAMED else -0.2,
        ),
        leaking(
            lambda i, m: 0.7 if m in NAMED else 0.5,
            lambda i, m: 0.5,
            lambda i, m: -0.2 if m in NAMED else 0.0,
        ),
    ),
    "ACCURACY": (both(accurate(0.975, 0.025)), both(accurate(0.8, -0.05))),
    "AGREEMENT": (both(agreeing(0.95, 0.95)), both(agreeing(0.7, 0.95))),
    "PROTECTION": (
        leaking(lambda i, m: 0.5 + 0.005 * i, lambda i, m: 0.5 + 0.02 * i, lambda i, m: 0.0),
        leaking(lambda i, m: 0.6 + 0.02 * i, lambda i, m: 0.5 - 0.02 * i, lambda i, m: 0.0),
    ),
    "AMPLITUDE": (embedded(0.1, 0.2, 0.3), embedded(0.3, 0.2, 0.1)),
    "QUANTUM_LAYER": (layered(0.1, 0.2), layered(-0.1, 0.0)),
    "COST": (
        {needs.COSTS: costs(lambda method: 0.3, 20)},
        {needs.COSTS: costs(lambda method: 3.0, 20)},
    ),
}
"""By claim, frames in which it holds, and frames in which it does not."""


def verdicts(name, frames):
    return tables([getattr(catalogue, name)], frames)[0]


@pytest.mark.parametrize("name", CASES)
def test_what_is_true_is_supported_and_its_opposite_contradicted(name):
    true, opposite = (verdicts(name, frames) for frames in CASES[name])
    assert set(true["verdict"]) == {SUPPORTED}, true.to_string()
    assert set(opposite["verdict"]) == {CONTRADICTED}, opposite.to_string()
    for table in (true, opposite):
        assert list(table) == COLUMNS
        assert not table[["claim", "test", "estimate"]].isna().any(axis=None)


@pytest.mark.parametrize("name", [name for name in CASES if name != "COST"])
def test_few_units_cannot_tell(name):
    def fewer(need, frame):
        if isinstance(need, needs.LeakNeed):
            return frame.assign(pairs=4)
        return frame[frame["pair" if isinstance(need, MemoryNeed) else "seed"] < 3]

    frames = {need: fewer(need, frame) for need, frame in CASES[name][0].items()}
    if name == "CONSTRAINTS":  # over tasks there are four times as many
        frames[needs.TASK] = frames[needs.TASK][frames[needs.TASK]["seed"] < 1]
    table = verdicts(name, frames)
    assert table["verdict"].str.startswith(CANNOT_TELL).all(), table.to_string()


def test_every_claim_is_in_the_list_and_tried_here():
    folder = Path(catalogue.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    modules = {claim.tests.__module__.rpartition(".")[2] for claim in catalogue.CLAIMS}
    assert modules == files
    assert {getattr(catalogue, name) for name in CASES} == set(catalogue.CLAIMS)


def test_what_is_needed_is_shipped_and_all_that_is_shipped_is_needed():
    required = {need.experiment for claim in catalogue.CLAIMS for need in claim.needs}
    shipped = {name for name, file in experiments().items() if file.parent.name == "claims"}
    assert required - {"paper-iris"} == shipped
    for claim in catalogue.CLAIMS:
        assert all(isinstance(need, Need) for need in claim.needs)


def test_every_method_has_a_group():
    assert set(GROUPS) == set(registry.method.names())


def test_the_planted_frames_have_the_methods_of_the_experiments():
    assert set(asked("claims-methods")) == {"none", "retrain", *METHODS}
    assert set(asked("claims-leaks")) == {"none", "retrain", *METHODS}
    assert set(asked("paper-iris")) == {"none", "retrain", *RELEASED}
    assert set(METHODS) >= set(NAMED)
    assert isinstance(needs.THEIRS, RunNeed)
