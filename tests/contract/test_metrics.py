"""What every registered metric owes: run over the registry."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from qhu import registry
from qhu.metrics.evidence import Evidence, Measured, Outputs

METRICS = registry.metric.names()
PAGES = Path(__file__).parents[2] / "docs" / "metrics"
ROWS, CLASSES = 60, 3


def outputs(rng, angles):
    theta = rng.normal(size=len(angles))
    return Outputs(rng.dirichlet([1] * CLASSES, ROWS), rng.normal(size=(ROWS, 4)), theta)


@pytest.fixture
def evidence():
    """A class scenario: class 0 is to be forgotten."""
    rng = np.random.default_rng(5)
    labels = np.arange(ROWS) % CLASSES
    train, test = np.arange(40), np.arange(40, ROWS)
    subsets = {
        "retain": train[labels[train] > 0],
        "forget": train[labels[train] == 0],
        "test": test,
        "test_kept": test[labels[test] > 0],
        "test_forgotten": test[labels[test] == 0],
    }
    angles = np.arange(9) < 5
    return Evidence(labels, subsets, *(outputs(rng, angles) for _ in range(3)), angles)


@pytest.fixture(params=METRICS)
def entry(request):
    return registry.metric[request.param]


def permuted(evidence, order):
    """The same evidence with its rows in another order."""
    place = np.argsort(order)

    def turned(o):
        return dataclasses.replace(
            o, probabilities=o.probabilities[order], features=o.features[order]
        )

    return dataclasses.replace(
        evidence,
        labels=evidence.labels[order],
        subsets={name: place[rows] for name, rows in evidence.subsets.items()},
        **{role: turned(getattr(evidence, role)) for role in ("model", "oracle", "teacher")},
    )


def test_scores_are_finite_and_rest_on_rows(entry, evidence):
    scores = entry.make(evidence)
    assert scores
    for measured in scores.values():
        assert isinstance(measured, Measured)
        assert isinstance(measured.value, float)
        assert np.isfinite(measured.value)
        assert isinstance(measured.n, int)
        assert measured.n > 0


def test_the_order_of_rows_does_not_matter(entry, evidence):
    order = np.random.default_rng(1).permutation(ROWS)
    scores, other = entry.make(evidence), entry.make(permuted(evidence, order))
    assert scores.keys() == other.keys()
    for name in scores:
        assert other[name].value == pytest.approx(scores[name].value, abs=1e-12)
        assert other[name].n == scores[name].n


def test_every_score_says_how_it_is_read(entry, evidence):
    for name, (value, _) in entry.make(evidence).items():
        score = entry.score(name)
        assert (score.name, score.metric) == (name, entry.name)
        assert score.title and score.explained.endswith(".")
        low, high = (end if end is not None else value for end in score.span)
        assert low <= value <= high, name


def test_nothing_is_declared_that_is_not_measured(entry, evidence):
    subset = dataclasses.replace(  # the released attack is absent where a class is forgotten
        evidence, subsets={k: v for k, v in evidence.subsets.items() if "_" not in k}
    )
    scores = [entry.score(name) for part in (evidence, subset) for name in entry.make(part)]
    named = {score.name.removesuffix(f"_{score.rows}") for score in scores}
    assert named == set(entry.reads)
    for stem, reading in entry.reads.items():
        rows = {s.rows for s in scores if s.name.removesuffix(f"_{s.rows}") == stem}
        assert {*reading.headline, *reading.words} <= rows


def test_the_oracle_against_itself(entry, evidence):
    """What compares with the oracle has its best value there; a difference to it is 0."""
    itself = dataclasses.replace(evidence, model=evidence.oracle)
    for name, (value, _) in entry.make(itself).items():
        score = entry.score(name)
        if score.against == "floor":
            best = score.span[0 if score.better == "lower" else 1]
            assert value == pytest.approx(best, abs=1e-12), name
        elif score.against == 0:
            assert value == 0, name


def test_what_is_read_against_the_oracles_own_value_sees_no_oracle(entry, evidence):
    """The row ``retrain`` is the goal only of what does not compare with the oracle already."""
    rng = np.random.default_rng(11)
    other = dataclasses.replace(evidence, oracle=outputs(rng, evidence.angles))
    before, after = entry.make(evidence), entry.make(other)
    for name in before:
        score = entry.score(name)
        if score.against is not None:
            assert (before[name].value != after[name].value) == score.relative, name


def test_evidence_is_left_alone(entry, evidence):
    before = [evidence.model.probabilities.copy(), evidence.oracle.features.copy()]
    entry.make(evidence)
    assert np.array_equal(before[0], evidence.model.probabilities)
    assert np.array_equal(before[1], evidence.oracle.features)


def test_explained_in_a_line_and_on_a_page(entry, evidence):
    assert entry.summary.endswith(".")
    assert len(entry.summary) <= 95
    page = (PAGES / f"{entry.name}.md").read_text()
    prefixes = {name.rsplit("_", 1)[0] for name in entry.make(evidence) if "_test_" not in name}
    assert all(f"`{prefix}" in page for prefix in prefixes)
    index = (PAGES / "index.md").read_text()
    (line,) = [line for line in index.splitlines() if f"({entry.name}.md)" in line]
    words = {"retrain": "`retrain`", "floor": "`floor`", 0: "difference 0", None: "that paper"}
    if not entry.on_request:
        assert all(words[reading.against] in line for reading in entry.reads.values())
    assert ("on request" in line) == entry.on_request
