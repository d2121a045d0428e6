"""The game that every attack plays: models that were trained on a row, and models that never were.

Perfect unlearning makes both worlds one distribution, and no attack tells them apart: AUC ½. A
difference of any direction is leakage, over-forgetting too.

Models come in **units** that are independent of each other: the two models of a pair, trained on a
half of the rows and on the other half, are one unit, in both worlds and among the teachers. What
an attack learns, it learns from the units of the **blocks** before a model's own, and only models
of one block are compared with each other. So given what was learned, every block is a fresh sample:
without leakage the expected AUC is ½ exactly, and the deviations of two blocks are uncorrelated.
Neither holds for cross-validation, where every block is also among what the others learn from:
deviations that all folds have in common are then taken for knowledge. Luedtke and van der Laan
(Annals of Statistics 44, 713, 2016) have the same construction where the best rule is not unique,
as it is not where there is nothing to be learned.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from qhu.errors import QhuError, UserError

Floats = NDArray[np.floating]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.integer]
Score = Callable[[Floats], Floats]

BLOCKS = 8
"""How many blocks the units are parted into; attacks only learn from the first."""


@dataclass(frozen=True, eq=False)
class World:
    """One population of pairs of a model and a row.

    Attributes:
        logits: (N, R, C) outputs of N models on R rows; they matter where a pair is, and on the
            rows of the population.
        pairs: (N, R) which pairs belong to the population.
    """

    logits: Floats
    pairs: Booleans

    def __post_init__(self) -> None:
        if self.logits.ndim != 3 or self.logits.shape[2] < 2:
            raise ValueError(f"logits are (models, rows, classes ≥ 2), not {self.logits.shape}")
        if self.pairs.shape != self.logits.shape[:2] or self.pairs.dtype != np.bool_:
            raise ValueError(
                f"pairs are booleans of shape {self.logits.shape[:2]}, one per model and row, not "
                f"{self.pairs.dtype} of {self.pairs.shape}"
            )

    def scored(self, score: Callable[[Floats, Integers], Floats], labels: Integers) -> Floats:
        """What a function of one output says of every pair, NaN elsewhere.

        Args:
            score: from logits (P, C), as float64, and labels (P,) to P numbers.
            labels: (R,) classes that networks were taught.

        Returns:
            (N, R).
        """
        scores = np.full(self.pairs.shape, np.nan)
        logits = self.logits[self.pairs].astype(np.float64)
        scores[self.pairs] = score(logits, labels[np.nonzero(self.pairs)[1]])
        return scores


@dataclass(frozen=True, eq=False)
class Game:
    """Two worlds, and what an attacker has besides.

    Attributes:
        inside: models that were trained on the row, and then unlearned it.
        outside: models that never were.
        labels: (R,) classes that networks were taught.
        units: (N,) independent unit of every model, the same in both worlds and for the teachers.
        teachers: models without unlearning; their pairs are the rows that they were trained on.
        population: (Z,) rows that no model was trained on, such as validation rows.

    Raises:
        ValueError: the arrays do not fit each other.
        QhuError: outputs that are needed are not finite.
        UserError: fewer than four units.
    """

    inside: World
    outside: World
    labels: Integers
    units: Integers
    teachers: World
    population: Integers

    def __post_init__(self) -> None:
        models, rows, _ = shape = self.inside.logits.shape
        for name in ("outside", "teachers"):
            world: World = getattr(self, name)
            if world.logits.shape != shape:
                raise ValueError(f"{name} has logits {world.logits.shape}, inside has {shape}")
        for name, size in (("labels", rows), ("units", models)):
            if getattr(self, name).shape != (size,):
                raise ValueError(f"{name} is {getattr(self, name).shape}, not ({size},)")
        for name, top in (("labels", shape[2]), ("population", rows)):
            numbers: Integers = getattr(self, name)
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < top:
                raise ValueError(f"{name} are numbers of 0..{top - 1}")
        used = self.inside.pairs | self.outside.pairs | self.teachers.pairs
        if used[:, self.population].any():
            raise ValueError("a row of the population is a member, or belongs to a pair")
        if (units := len(np.unique(self.units))) < 4:
            raise UserError(
                f"an attack needs at least 4 independent units of models, there are {units}: "
                "use a larger pool"
            )
        self._refuse_infinite()

    def _refuse_infinite(self) -> None:
        played = np.concatenate([self.rows, self.population])
        outputs = {
            "unlearned models": self.inside.logits[self.inside.pairs],
            "models that never saw the rows": self.outside.logits[self.outside.pairs],
            "teachers": self.teachers.logits[:, played],
            "models on rows of the population": self.inside.logits[:, self.population],
            "models that never saw the rows, on the population,": self.outside.logits[
                :, self.population
            ],
        }
        for whose, logits in outputs.items():
            if not np.isfinite(logits).all():
                raise QhuError(
                    f"outputs of {whose} are not finite: training diverged; lower its learning "
                    "rate or its steps"
                )

    @cached_property
    def rows(self) -> Integers:
        """Rows that a pair of either world has, sorted."""
        return np.flatnonzero(self.inside.pairs.any(0) | self.outside.pairs.any(0))

    @cached_property
    def blocks(self) -> Integers:
        """(N,) block of every model: units in their order, in up to :data:`BLOCKS` equal parts."""
        units, place = np.unique(self.units, return_inverse=True)
        return place * min(BLOCKS, len(units) // 2) // len(units)

    @cached_property
    def margins(self) -> tuple[Floats, Floats]:
        """Margins of the pairs inside and outside, (N, R) each, NaN elsewhere."""
        return self.scored(margin)

    @cached_property
    def teacher_margins(self) -> tuple[Floats, Floats]:
        """Margins of the teachers on the rows that they saw, and on those that they did not."""
        played = np.isin(np.arange(len(self.labels)), self.rows)
        members = self.teachers.pairs
        worlds = (World(self.teachers.logits, p & played) for p in (members, ~members))
        inside, outside = (world.scored(margin, self.labels) for world in worlds)
        return inside, outside

    def scored(self, score: Callable[[Floats, Integers], Floats]) -> tuple[Floats, Floats]:
        """:meth:`World.scored` of both worlds."""
        return self.inside.scored(score, self.labels), self.outside.scored(score, self.labels)

    def learned(
        self, learn: Callable[[Booleans], Score], values: tuple[Floats, Floats]
    ) -> tuple[Floats, Floats]:
        """Scores by what is learned from the blocks before a model's own.

        Args:
            learn: from the models (N,) that may be learned from to a function that scores others:
                values (B, …) of B models to (B, R) scores.
            values: (N, …) what is scored of the models inside, and outside.

        Returns:
            (N, R) scores inside and outside; NaN in the first block.
        """
        shape = self.inside.pairs.shape
        scores = np.full(shape, np.nan), np.full(shape, np.nan)
        for earlier, block in self._split():
            score = learn(earlier)
            for target, value in zip(scores, values, strict=True):
                target[block] = score(value[block])
        return scores

    def _split(self) -> Iterator[tuple[Booleans, Booleans]]:
        for number in range(1, self.blocks.max() + 1):
            yield self.blocks < number, self.blocks == number


def margin(logits: Floats, labels: Integers) -> Floats:
    """``z_y − log Σ_{c≠y} exp z_c``, which is ``log(p_y / (1 − p_y))``, without cancellation.

    Args:
        logits: (…, C).
        labels: (…) class of each.
    """
    own = np.arange(logits.shape[-1]) == np.asarray(labels)[..., None]
    others = np.where(own, -np.inf, logits)
    top = others.max(axis=-1, keepdims=True)
    beside = np.log(np.exp(others - top).sum(axis=-1))
    return np.where(own, logits, 0).sum(axis=-1) - top[..., 0] - beside


def log_probability(logits: Floats, labels: Integers) -> Floats:
    """``log p_y``, in nats.

    Args:
        logits: (…, C).
        labels: (…) class of each.
    """
    places = np.broadcast_to(np.asarray(labels), logits.shape[:-1])[..., None]
    return np.take_along_axis(log_softmax(logits, axis=-1), places, axis=-1)[..., 0]


def forget_game(
    unlearned: Floats,
    oracle: Floats,
    teachers: Floats,
    *,
    members: Booleans,
    requested: Booleans,
    labels: Integers,
    units: Integers,
    population: Integers,
) -> Game:
    """Unlearned models on the rows that they unlearned, against oracles on the same rows.

    The oracle is that of the same half, so that without leakage both worlds are one distribution:
    an oracle of another half has not seen the row either, but one more row of those kept.

    Args:
        unlearned: (N, R, C) outputs of the unlearned models; of second oracles for the floor, of
            the teachers for what doing nothing leaks.
        oracle: (N, R, C) outputs of models retrained on the same halves without what is requested.
        teachers: (N, R, C) outputs of the models before unlearning.
        members: (N, R) rows that the teachers were trained on.
        requested: (N, R) those of them that were to be unlearned.
        labels: (R,) classes that networks were taught.
        units: (N,) independent unit of every model.
        population: (Z,) rows that no model was trained on.
    """
    if (requested & ~members).any():
        raise ValueError("a row is requested of a model that was not trained on it")
    worlds = World(unlearned, requested), World(oracle, requested)
    return Game(*worlds, labels, units, World(teachers, members), population)


def retain_game(
    models: Floats,
    teachers: Floats,
    *,
    members: Booleans,
    requested: Booleans,
    labels: Integers,
    units: Integers,
    population: Integers,
) -> Game:
    """Models on the rows that they keep, against models of other halves that never saw them.

    Kept rows leak without unlearning, too: the value to compare with is that of the oracles in the
    same game. Rows that any model has to unlearn are left out.

    Args:
        models: (N, R, C) outputs of unlearned models, or of oracles.
        teachers: (N, R, C) outputs of the models before unlearning.
        members: (N, R) rows that the teachers were trained on.
        requested: (N, R) those of them that were to be unlearned.
        labels: (R,) classes that networks were taught.
        units: (N,) independent unit of every model.
        population: (Z,) rows that no model was trained on.
    """
    kept = members.any(0) & ~requested.any(0)
    worlds = World(models, members & kept), World(models, ~members & kept)
    return Game(*worlds, labels, units, World(teachers, members), population)
