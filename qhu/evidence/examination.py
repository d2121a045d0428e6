"""Metrics examined: how well each tells models that hold the data from models that lack it.

The decision is about one model of the bank at a time, by one number: a score per model that is
higher the more the metric, as it is read, says that the model holds the rows. Attacks give the mean
of their scores over the rows that the model was to forget; what the attack learns, it learns from
models of the same kind, as an attacker who knows the method does. Metrics of whole populations
(KLoM, forgetting quality) decide about groups of models. The AUC of that decision is the metric's;
models of one half and of its complement are one unit, whatever their kinds.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qhu import registry
from qhu.data.split import RowNumbers
from qhu.evidence.auc import Rate, auc
from qhu.evidence.distances.forgetting_quality import epsilon, points
from qhu.evidence.distances.halves import Distance
from qhu.evidence.distances.klom import divergence
from qhu.evidence.distances.tug_of_war import tug_of_war
from qhu.evidence.game import Booleans, Floats, Game, Integers, World, forget_game, margin
from qhu.metrics.evidence import Evidence, Outputs, measure
from qhu.record.scores import Score
from qhu.registry import MetricEntry

Member = Mapping[str, Floats]
"""Scores (n,) by kind; higher: rather holds the rows."""
SUBSETS = ("forget", "test", "")
"""Rows whose scores are examined; empty: scores of no subset."""
GROUP = 16
"""Models of a group."""
FEWEST_GROUPS = 4
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class Exhibits:
    """Outputs of a bank under one condition; model i of every kind belongs to half i.

    Attributes:
        probabilities: by kind (n, R, C).
        features: by kind (n, R, M).
        theta: by kind (n, d).
        holds: kinds, and whether their models hold the rows.
        reference: name of the oracles that models are compared with.
        before: name of the teachers.
        members: (n, R) rows that the teachers were trained on.
        requested: (n, R) those of them that were to be forgotten.
        labels: (R,) classes.
        units: (n,) independent unit of each half.
        test: test rows.
        val: rows that nothing was trained on.
        angles: (d,) which entries of θ are rotation angles.
    """

    probabilities: Mapping[str, Floats]
    features: Mapping[str, Floats]
    theta: Mapping[str, Floats]
    holds: Mapping[str, bool]
    reference: str
    before: str
    members: Booleans
    requested: Booleans
    labels: RowNumbers
    units: NDArray[np.int64]
    test: RowNumbers
    val: RowNumbers
    angles: NDArray[np.bool_]

    @cached_property
    def logits(self) -> Mapping[str, Floats]:
        """Logarithms of the probabilities, by kind."""
        return {k: np.log(np.maximum(p, TINY)) for k, p in self.probabilities.items()}

    def game(self, kind: str) -> Game:
        """Models of a kind against the references, on the rows that were to be forgotten."""
        return forget_game(
            self.logits[kind],
            self.logits[self.reference],
            self.logits[self.before],
            members=self.members,
            requested=self.requested,
            labels=self.labels,
            units=self.units,
            population=self.val,
        )

    def membership_game(self, kind: str) -> Game:
        """Models of a kind on those rows, against models of the kind that never saw them."""
        asked, logits = self.requested.any(axis=0), self.logits[kind]
        worlds = World(logits, self.requested), World(logits, ~self.members & asked)
        teachers = World(self.logits[self.before], self.members)
        return Game(*worlds, self.labels, self.units, teachers, self.val)

    @cached_property
    def blocks(self) -> Integers:
        """(n,) block of every model; see :class:`Game`."""
        return self.game(self.reference).blocks

    @cached_property
    def groups(self) -> Integers:
        """(n,) group of every model, for what only populations show: whole units, in order."""
        units, place = np.unique(self.units, return_inverse=True)
        return place * max(FEWEST_GROUPS, len(self.units) // GROUP) // len(units)

    @cached_property
    def retain(self) -> Booleans:
        """(n, R) rows that each model keeps."""
        return self.members & ~self.requested.any(axis=0)

    def accuracy(self, kind: str, rows: Booleans) -> NDArray[np.float64]:
        """(n,) of every model on rows (R,), or on its own (n, R)."""
        right, every = self.probabilities[kind].argmax(axis=2) == self.labels, self.members | True
        return (right & rows).sum(axis=1) / (every & rows).sum(axis=1)

    @cached_property
    def tested(self) -> Booleans:
        """(R,) which rows are test rows."""
        return np.isin(np.arange(len(self.labels)), self.test)


def examine(
    exhibits: Exhibits, attacks: Iterable[str], metrics: Mapping[str, MetricEntry], primary: str
) -> dict[str, Rate]:
    """AUC of attacks, of the scores of metrics, and of the distances of the evidence.

    Args:
        exhibits: a bank's outputs.
        attacks: names of registered attacks.
        metrics: metrics by their names.
        primary: name of the attack that also plays the game of membership.
    """
    blocks = exhibits.blocks
    rates = {}
    for name in attacks:
        rates[name] = _rate(exhibits, attack_scores(exhibits, name, exhibits.game), blocks)
    membership = attack_scores(exhibits, primary, exhibits.membership_game)
    rates["auc_membership"] = _rate(exhibits, membership, blocks)
    for name, scores in metric_scores(exhibits, metrics).items():
        rates[name] = _rate(exhibits, scores)
    rates["tow"] = _rate(exhibits, tow_scores(exhibits))
    for name, scores in group_scores(exhibits).items():
        rates[name] = auc(*_worlds(exhibits, scores), np.unique(exhibits.groups))
    return rates


def attack_scores(exhibits: Exhibits, name: str, game: Callable[[str], Game]) -> Member:
    """Of every model the mean score of the rows that it was to forget; NaN where none is scored.

    Args:
        exhibits: a bank's outputs.
        name: of the attack.
        game: what it plays with the models of a kind.
    """
    entry = registry.attack[name]
    options = registry.attack.options(name, {})
    return {kind: _mean(entry.make(game(kind), options)[0]) for kind in exhibits.holds}


def metric_scores(exhibits: Exhibits, metrics: Mapping[str, MetricEntry]) -> dict[str, Member]:
    """Scores of metrics as each is read; see :func:`holding`."""
    count = len(exhibits.units)
    scores: dict[str, dict[str, Floats]] = {}
    for kind in exhibits.holds if metrics else ():  # to measure by none is to measure by all
        for i in range(count):
            for name, value in _measured(exhibits, metrics, kind, i):
                own = scores.setdefault(name, {k: np.full(count, np.nan) for k in exhibits.holds})
                own[kind][i] = value
    return {name: scores[name] for name in sorted(scores)}


def holding(score: Score, value: float) -> float | None:
    """A score as evidence of holding the rows, by how it is declared to be read.

    A value where lower is better speaks for it, one where higher is better against; a difference
    to the oracle by its size. Of scores that have the oracle's as their goal it is the value
    itself, as those read it who call a low one forgetting.

    Returns:
        None for a score that is read against nothing.
    """
    if score.against == 0:
        return abs(value)
    if score.better:
        return value if score.better == "lower" else -value
    return value if score.against == "retrain" else None


def tow_scores(exhibits: Exhibits) -> Member:
    """1 − tug-of-war of every model against its reference."""
    rows = {"forget": exhibits.requested, "retain": exhibits.retain, "test": exhibits.tested}
    goal = {name: exhibits.accuracy(exhibits.reference, chosen) for name, chosen in rows.items()}

    def of_kind(kind: str) -> Floats:
        own = {name: exhibits.accuracy(kind, chosen) for name, chosen in rows.items()}
        alone = np.zeros(1, dtype=np.int64)
        pulls = [
            tug_of_war({name: (own[name][[i]], goal[name][[i]]) for name in rows}, alone)["tow"]
            for i in range(len(exhibits.units))
        ]
        return 1 - np.array([pull.value for pull in pulls])

    return {kind: of_kind(kind) for kind in exhibits.holds}


def group_scores(exhibits: Exhibits) -> dict[str, Member]:
    """KLoM and forgetting quality of every group of models against the references of the group."""
    asked = np.flatnonzero(exhibits.requested.any(axis=0))
    shown = np.where(exhibits.requested, 0.0, np.nan)[:, asked]

    def margins(kind: str) -> Floats:
        return margin(exhibits.logits[kind][:, asked], exhibits.labels[asked]) + shown

    reference = margins(exhibits.reference)
    groups = [exhibits.groups == number for number in np.unique(exhibits.groups)]
    klom: dict[str, Floats] = {}
    quality: dict[str, Floats] = {}
    for kind in exhibits.holds:
        own = margins(kind)
        both = [(own[group], reference[group]) for group in groups]
        klom[kind] = np.array([np.median(_by_row(divergence, *pair)) for pair in both])
        earned = np.array([points(_by_row(epsilon, *pair)).mean() for pair in both])
        quality[kind] = -earned * np.array([_kept(exhibits, kind, group) for group in groups])
    return {"klom_median": klom, "forgetting_quality": quality}


def _kept(exhibits: Exhibits, kind: str, group: Booleans) -> float:
    """Accuracy on retain and test rows of a group of models, each as a share of the references'."""
    factor = 1.0
    for rows in (exhibits.retain, exhibits.tested):
        own, goal = (exhibits.accuracy(k, rows)[group].mean() for k in (kind, exhibits.reference))
        factor *= float(own / goal)
    return factor


def _by_row(distance: Distance, inside: Floats, outside: Floats) -> NDArray[np.float64]:
    """A distance of every row that both populations (N, R) have, (R',)."""
    values = []
    for own, goal in zip(inside.T, outside.T, strict=True):
        members, strangers = own[np.isfinite(own)], goal[np.isfinite(goal)]
        if len(members) and len(strangers):
            ones = (np.ones((1, len(sample))) for sample in (members, strangers))
            values.append(distance(members, strangers, *ones)[0])
    return np.array(values)


def _measured(
    exhibits: Exhibits, metrics: Mapping[str, MetricEntry], kind: str, i: int
) -> Iterator[tuple[str, float]]:
    """Scores of one model, as evidence of holding the rows."""
    forget = np.flatnonzero(exhibits.requested[i])
    retain = np.flatnonzero(exhibits.retain[i])

    def outputs(name: str) -> Outputs:
        parts = (exhibits.probabilities, exhibits.features, exhibits.theta)
        return Outputs(*(part[name][i] for part in parts))

    evidence = Evidence(
        labels=exhibits.labels,
        subsets={"retain": retain, "forget": forget, "test": exhibits.test},
        model=outputs(kind),
        oracle=outputs(exhibits.reference),
        teacher=outputs(exhibits.before),
        angles=exhibits.angles,
    )
    for name, measured in measure(evidence, list(metrics), metrics).items():
        score = next(filter(None, (entry.score(name) for entry in metrics.values())))
        value = holding(score, measured.value)
        if score.rows in SUBSETS and value is not None:
            yield name, value


def _rate(exhibits: Exhibits, scores: Member, blocks: Integers | None = None) -> Rate:
    return auc(*_worlds(exhibits, scores), exhibits.units, blocks)


def _worlds(exhibits: Exhibits, scores: Member) -> tuple[Floats, Floats]:
    """Scores (n, kinds) of models that hold the rows, and of those that lack them."""
    parts = [
        [scores[k] for k, holds in exhibits.holds.items() if holds is side]
        for side in (True, False)
    ]
    return np.stack(parts[0], axis=1), np.stack(parts[1], axis=1)


def _mean(scores: Floats) -> Floats:
    """(n,) mean of the scores (n, R) that are there, NaN where none is."""
    count = np.isfinite(scores).sum(axis=1)
    total = np.where(np.isfinite(scores), scores, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(scores), np.nan), where=count > 0)
