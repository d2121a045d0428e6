"""What a pool says about a method in a scenario: rows of ``evidence.csv`` and a trial to judge."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qhu import registry
from qhu.evidence.auc import Rate, auc, true_positive_rate
from qhu.evidence.game import Game, World, forget_game, retain_game
from qhu.evidence.pool import Pool
from qhu.evidence.state_bounds import bound_rows
from qhu.evidence.units import UnitEstimate, mean_over_units
from qhu.evidence.verdict import Trial
from qhu.memorisation import memorisation
from qhu.record.identity import code_digest, identity
from qhu.study import FLOOR, Study

PRIMARY = "ulira"
"""The attack whose AUC verdicts are about; declared, never chosen by looking."""
RATES = {"tpr_at_1": 0.01, "tpr_at_01": 0.001}
"""False positive rates at which true positives are counted."""
TIERS = ("easy", "medium", "hard")
Booleans = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]


class Question(NamedTuple):
    """A method in a scenario."""

    scenario: str
    method: str

    def __str__(self) -> str:
        return f"{self.scenario} {self.method}"


class Row(NamedTuple):
    """A row of ``evidence.csv``."""

    scenario: str
    method: str
    attack: str
    tier: str
    metric: str
    value: float
    ci_low: float
    ci_high: float
    n: int


class Reading(NamedTuple):
    """All that a pool says about a question."""

    rows: list[Row]
    trial: Trial


def read(study: Study, question: Question) -> Reading:
    """Attacks, tests and costs of a method in a scenario; from the store if they are there."""
    pool = Pool(study)
    batches = pool.batches(question.method, question.scenario)
    models = [pool.key(batch) for batch in batches]
    settings = [identity(pool.spec), code_digest("qhu.evidence.reading")]
    key = study.key("evidence", "evaluate", pool.spec.seed, question, models, settings)

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        made = _Evidence(pool, question)
        reading = Reading(list(made.rows()), made.trial())
        return {"values": np.array([row[5:8] for row in reading.rows])}, {
            "rows": [[*row[2:5], row.n] for row in reading.rows],
            "trial": reading.trial[2:],
        }

    stage = study.store.get(key, compute)
    *estimates, cost = stage.facts["trial"]
    leakage, membership, direction, utility = (UnitEstimate(*estimate) for estimate in estimates)
    rows = [
        Row(*question, attack, tier, metric, value, low, high, n)
        for (attack, tier, metric, n), (value, low, high) in zip(
            stage.facts["rows"], stage.arrays["values"].tolist(), strict=True
        )
    ]
    return Reading(rows, Trial(*question, leakage, membership, direction, utility, cost))


class _Evidence:
    """The games of a question, and what is counted in them."""

    def __init__(self, pool: Pool, question: Question) -> None:
        self.pool, self.question = pool, question
        self.count = pool.count(question.scenario)
        self.members = pool.members[: self.count]
        self.units = np.arange(self.count) // 2
        self.labels = pool.whole.labels
        self.teachers = pool.models("teacher").logits[: self.count]
        unlearned = pool.models(question.method, question.scenario)
        self.steps, self.states = unlearned.steps, unlearned.states
        self.requests = pool.requests(question.scenario)
        sequence = unlearned.logits if len(self.requests) > 1 else unlearned.logits[:, None]
        self.unlearned = [sequence[:, k] for k in range(len(self.requests))]

    def oracle(self, request: int = -1) -> Floats:
        """(N, R, C) oracles after a request of a sequence, the last one by default."""
        number = range(len(self.requests))[request]
        return self.pool.models("oracle", self.question.scenario, number).logits

    def forget_game(self, rows: Booleans | None = None, request: int = -1) -> Game:
        """The game on the rows that were to be forgotten, or on some of them."""
        asked = self.requests[request] if rows is None else rows
        return forget_game(
            self.unlearned[request],
            self.oracle(request),
            self.teachers,
            members=self.members,
            requested=self.members & asked,
            labels=self.labels,
            units=self.units,
            population=self.pool.whole.val,
        )

    def membership_game(self, request: int = -1) -> Game:
        """Models that unlearned a row, against models that unlearned others and never saw it.

        Every model has seen rows like those of a whole class: what never saw it are the oracles.
        """
        partition = self.pool.study.partition(self.pool.spec.seed, self.question.scenario)
        if partition.forgotten is not None:
            return self.forget_game(request=request)
        asked, models = self.requests[request], self.unlearned[request]
        return Game(
            World(models, self.members & asked),
            World(models, ~self.members & asked),
            self.labels,
            self.units,
            World(self.teachers, self.members),
            self.pool.whole.val,
        )

    def trial(self) -> Trial:
        """What verdicts are made of."""
        leakage, membership = self.forget_game(), self.membership_game()
        areas = (_area(game, PRIMARY) for game in (leakage, membership))
        leaks = (UnitEstimate(area.value, area.se, area.df + 1) for area in areas)
        utility, cost = self.utility(-1), float(self.steps.mean())
        direction = self._direction(membership)
        return Trial(*self.question, next(leaks), next(leaks), direction, utility, cost)

    def _direction(self, game: Game) -> UnitEstimate:
        """Mean margin of the pairs inside, less that of the pairs outside.

        A unit has every row in both worlds, so that rows of other difficulty cancel within it.
        """
        inside, outside = game.margins
        half = mean_over_units(np.concatenate([inside, -outside], axis=1), self.units)
        return UnitEstimate(2 * half.value, 2 * half.error, half.units)

    def utility(self, request: int) -> UnitEstimate:
        """Accuracy on test rows, less the oracle's."""
        test = self.pool.whole.test
        right = [
            (logits[:, test].argmax(axis=2) == self.labels[test]).mean(axis=1)
            for logits in (self.unlearned[request], self.oracle(request))
        ]
        return mean_over_units(right[0] - right[1], self.units, step=1 / len(test))

    def rows(self) -> Iterator[Row]:
        """All rows, tier by tier."""
        attacks = self.pool.spec.attacks or tuple(registry.attack.names())
        for tier, game in self.games():
            for name in attacks if tier in ("forget", "retain") else (PRIMARY,):
                yield from self._attacked(tier, name, game)
        membership = self.membership_game()
        yield self._row(PRIMARY, "forget", "auc_membership", _area(membership, PRIMARY))
        yield self._estimate("forget", "margin_membership", self._direction(membership))
        yield from self._utility()
        yield from self._bounds()

    def games(self) -> Iterator[tuple[str, Game]]:
        """Games by their tier: all forget rows, thirds by memorisation, requests, kept rows."""
        yield "forget", self.forget_game()
        asked = np.flatnonzero(self.requests[-1])
        if len(asked) >= 2 * len(TIERS):
            ordered = asked[np.argsort(self._memorisation()[asked], kind="stable")]
            for tier, part in zip(TIERS, np.array_split(ordered, len(TIERS)), strict=True):
                yield tier, self.forget_game(np.isin(np.arange(len(self.labels)), part))
        if len(self.requests) > 1:
            for number in range(len(self.requests)):
                yield f"request {number + 1}", self.forget_game(request=number)
        yield (
            "retain",
            retain_game(
                self.unlearned[-1],
                self.teachers,
                members=self.members,
                requested=self.members & self.requests[-1],
                labels=self.labels,
                units=self.units,
                population=self.pool.whole.val,
            ),
        )

    def _memorisation(self) -> Floats:
        """(R,) of every row; 0 of those that no model was trained on."""
        train = np.sort(self.pool.whole.train)
        right = self.teachers.argmax(axis=2) == self.labels
        value = np.zeros(len(self.labels))
        value[train] = memorisation(right[:, train], self.members[:, train]).value
        return value

    def _attacked(self, tier: str, name: str, game: Game) -> Iterator[Row]:
        yield self._row(name, tier, "auc", _area(game, name))
        if tier in ("forget", "retain"):
            scores = _scores(game, name)
            for metric, fpr in RATES.items():
                yield self._row(name, tier, metric, true_positive_rate(*scores, self.units, fpr))

    def _utility(self) -> Iterator[Row]:
        test, requests = self.pool.whole.test, len(self.requests)
        right = self.unlearned[-1][:, test].argmax(axis=2) == self.labels[test]
        accuracy = mean_over_units(right.mean(axis=1), self.units, step=1 / len(test))
        yield self._estimate("test", "acc_test", accuracy)
        yield self._estimate("test", "delta_acc_test", self.utility(-1))
        if requests > 1:
            for number in range(requests):
                yield self._estimate(
                    f"request {number + 1}", "delta_acc_test", self.utility(number)
                )
        inside, outside = self.forget_game().margins
        difference = mean_over_units(inside - outside, self.units)
        yield self._estimate("forget", "delta_margin", difference)

    def _bounds(self) -> Iterator[Row]:
        """What states of the forget rows tell, beside what those of a second oracle tell."""
        pool, scenario, last = self.pool, self.question.scenario, len(self.requests) - 1
        oracle, floor = (pool.models(kind, scenario, last).states for kind in ("oracle", FLOOR))
        asked = np.flatnonzero(self.requests[last])
        bounds = bound_rows(
            pool.study.net("evaluate"),
            self.states,
            oracle,
            floor,
            pool.whole.samples[asked],
            self.members[:, asked],
            self.units,
        )
        for bound in bounds:
            interval = bound.value, bound.ci_low, bound.ci_high
            yield Row(*self.question, "bound", "forget", bound.metric, *interval, bound.n)

    def _estimate(self, tier: str, metric: str, estimate: UnitEstimate) -> Row:
        interval = estimate.interval()
        return Row(
            *self.question, "utility", tier, metric, estimate.value, *interval, estimate.units
        )

    def _row(self, attack: str, tier: str, metric: str, rate: Rate) -> Row:
        return Row(*self.question, attack, tier, metric, rate.value, rate.low, rate.high, rate.n)


def _scores(game: Game, name: str) -> tuple[Floats, Floats]:
    entry = registry.attack[name]
    scores: tuple[Floats, Floats] = entry.make(game, registry.attack.options(name, {}))
    return scores


def _area(game: Game, name: str) -> Rate:
    return auc(*_scores(game, name), game.units, game.blocks)
