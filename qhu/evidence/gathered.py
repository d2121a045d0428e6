"""All that was gathered for an enquiry: outputs, and the games that they play."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qhu.evidence.game import Game, World, forget_game, retain_game
from qhu.evidence.matching import matched
from qhu.evidence.pool import Models, Pool
from qhu.memorisation import memorisation

Booleans = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
TIERS = ("easy", "medium", "hard")
"""Thirds of the forget rows by how much they are memorised."""


class Enquiry(NamedTuple):
    """A method in a scenario."""

    scenario: str
    method: str

    def __str__(self) -> str:
        return f"{self.scenario} {self.method}"


class Gathered:
    """The models behind an enquiry, N of them on R rows, and the games that they play.

    Args:
        pool: the pool.
        enquiry: what is asked of it.

    Attributes:
        members: (N, R) rows that a model's teacher was trained on.
        units: (N,) independent unit of every model: its pair of halves.
        labels: (R,) classes that networks were taught.
        requests: (R,) rows to be forgotten, after one deletion after another; often one.
        models: what the method made.
    """

    def __init__(self, pool: Pool, enquiry: Enquiry) -> None:
        self.pool, self.enquiry = pool, enquiry
        self.count = pool.count(enquiry.scenario)
        self.members = pool.members[: self.count]
        self.units = np.arange(self.count) // 2
        self.labels = pool.whole.labels
        self.requests = pool.requests(enquiry.scenario)
        self.models = pool.models(enquiry.method, enquiry.scenario)
        self._oracles = dict[int, Models]()

    @property
    def requested(self) -> Booleans:
        """(N, R) which rows a model was to forget."""
        return self.members & self.requests[-1]

    @property
    def kept(self) -> Booleans:
        """(N, R) which training rows a model was to keep."""
        return self.members & ~self.requests[-1]

    def unlearned(self, request: int = -1) -> Floats:
        """(N, R, C) logits after the method; of a sequence after one of its requests."""
        logits = self.models.logits
        return logits[:, request] if len(self.requests) > 1 else logits

    @cached_property
    def teachers(self) -> Models:
        """The models before unlearning."""
        return self.pool.models("teacher")

    def oracles(self, request: int = -1) -> Models:
        """The models retrained without what was requested so far."""
        number = range(len(self.requests))[request]
        if number not in self._oracles:
            self._oracles[number] = self.pool.models("oracle", self.enquiry.scenario, number)
        return self._oracles[number]

    def forget_game(self, rows: Booleans | None = None, request: int = -1) -> Game:
        """Unlearned models on the rows that they were to forget, or some, against oracles."""
        asked = self.requests[request] if rows is None else rows
        return forget_game(
            self.unlearned(request),
            self.oracles(request).logits,
            self.teachers.logits[: self.count],
            requested=self.members & asked,
            **self._common,
        )

    def retain_game(self) -> Game:
        """Unlearned models on the rows that they keep, against those that never saw these."""
        return retain_game(
            self.unlearned(),
            self.teachers.logits[: self.count],
            requested=self.requested,
            **self._common,
        )

    def membership_game(self, request: int = -1) -> Game:
        """Models that unlearned a row, against models that unlearned others and never saw it.

        They are matched by how many rows of its class they gave back. Every model has seen rows
        like those of a whole class: what never saw it are the oracles.
        """
        scenario = self.enquiry.scenario
        if self.pool.study.partition(self.pool.spec.seed, scenario).forgotten is not None:
            return self.forget_game(request=request)
        asked, models = self.requests[request], self.unlearned(request)
        inside, outside = matched(self.members, asked, self.labels, self.pool.spec.seed)
        return Game(
            World(models, inside),
            World(models, outside),
            self.labels,
            self.units,
            World(self.teachers.logits[: self.count], self.members),
            self.pool.whole.val,
        )

    def tiers(self) -> dict[str, Game]:
        """The forget game on easy, medium and hard rows, where there are enough of them."""
        asked = np.flatnonzero(self.requests[-1])
        if len(asked) < 2 * len(TIERS):
            return {}
        ordered = asked[np.argsort(self.memorised[asked], kind="stable")]
        parts = np.array_split(ordered, len(TIERS))
        rows = np.arange(len(self.labels))
        return {
            tier: self.forget_game(np.isin(rows, part))
            for tier, part in zip(TIERS, parts, strict=True)
        }

    @cached_property
    def memorised(self) -> Floats:
        """(R,) memorisation of every row by the teachers; 0 of those that none was trained on."""
        train = np.sort(self.pool.whole.train)
        right = self.teachers.logits.argmax(axis=2) == self.labels
        value = np.zeros(len(self.labels))
        value[train] = memorisation(right[:, train], self.pool.members[:, train]).value
        return value

    def accuracy(self, logits: Floats, rows: NDArray[Any]) -> Floats:
        """(N,) share of rows predicted rightly; rows of all (n,), or of each (N, R)."""
        right = logits.argmax(axis=2) == self.labels
        if rows.ndim == 1:
            return np.asarray(right[:, rows].mean(axis=1))
        counts = rows.sum(axis=1)
        share = (right & rows).sum(axis=1) / np.maximum(counts, 1)
        return np.where(counts > 0, share, np.nan)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "members": self.members,
            "labels": self.labels,
            "units": self.units,
            "population": self.pool.whole.val,
        }
