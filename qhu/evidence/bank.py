"""The bank: of every half of a pool one model of each kind of :mod:`qhu.evidence.planted`."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.evidence.planted import EPOCHS, MADE, PLANTING, Method
from qhu.evidence.pool import Pool
from qhu.evidence.stacks import stack_arrays, stack_of
from qhu.model.theta import ModelState, together
from qhu.record.identity import code_digest, identity
from qhu.registry.names import Entry
from qhu.seeding import torch_stream
from qhu.settings.parts import UnlearnSpec
from qhu.study import FLOOR
from qhu.training import FitJob, fit
from qhu.unlearn.finetune import finetune
from qhu.unlearn.task import MethodOptions
from qhu.unlearn.unlearning import Unlearning, UnlearnJob

FEWEST = 8
"""Models of a kind: four units."""
RELEARNING = 10
"""Steps of fine-tuning on kept rows in the condition ``relearned``."""
REFERENCE = "reference"
"""Oracles that models of the bank are compared with."""


class Bank:
    """Models of every kind, of the first halves of a pool that have something to forget.

    Args:
        pool: the pool.
        scenario: whose rows they hold or lack.

    Attributes:
        numbers: (n,) models of the pool that it is made of.
        asked: (R,) rows to be forgotten.

    Raises:
        UserError: the pool is too small.
    """

    def __init__(self, pool: Pool, scenario: str) -> None:
        self.pool, self.study, self.scenario = pool, pool.study, scenario
        self.asked = pool.requests(scenario)[-1]
        able = np.flatnonzero(pool.requested(scenario).any(axis=1))
        self.numbers = able[: pool.spec.bank]
        if len(self.numbers) < FEWEST:
            raise UserError(
                f"a bank needs {FEWEST} models that have something to forget; of scenario "
                f"'{scenario}' there are {len(self.numbers)}: raise evidence.models, or set "
                "evidence.bank to 0"
            )

    @property
    def key(self) -> str:
        """Key of the models in the store."""
        experiment, pool = self.study.experiment, self.pool
        batches = [
            *pool.batches("teacher"),
            *(
                batch
                for kind in ("oracle", FLOOR)
                for batch in pool.batches(kind, self.scenario, self._last)
            ),
        ]
        settings = [identity(experiment.unlearning), code_digest("qhu.evidence.bank")]
        used = [settings, self.numbers.tolist(), [pool.key(batch) for batch in batches]]
        return self.study.key("bank", "train", pool.spec.seed, *used)

    def make(self) -> dict[str, ModelState]:
        """By its kind every stack of models, and the references."""
        stage = self.study.store.get(self.key, self._kept)
        made = {kind: stack_of(f"{kind} ", stage) for kind in (*EPOCHS, *MADE)}
        return {**made, **self._pooled}

    # -- how they are made -------------------------------------------------------------------------

    @property
    def _last(self) -> int:
        return len(self.pool.requests(self.scenario)) - 1

    @cached_property
    def _pooled(self) -> dict[str, ModelState]:
        """What the pool has already."""
        kinds = {"teacher": ("teacher",), REFERENCE: ("oracle",), "second oracle": (FLOOR,)}
        pooled = {}
        for kind, name in kinds.items():
            scenario = () if kind == "teacher" else (self.scenario, self._last)
            states = self.pool.models(*name, *scenario).states
            pooled[kind] = together([states.model(int(number)) for number in self.numbers])
        return pooled

    def _kept(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = dict[str, NDArray[Any]]()
        for kind, states in self._made().items():
            arrays |= stack_arrays(f"{kind} ", states)
        return arrays, {}

    def _made(self) -> dict[str, ModelState]:
        made = {kind: self._trained(kind) for kind in EPOCHS}
        starts = {**made, **self._pooled}
        for kind, (start, method, _) in MADE.items():
            spec = self._halved() if kind == "half forgotten" else self._planting()
            made[kind] = self._moved(kind, starts[start], method, spec)
        return made

    def _planting(self) -> UnlearnSpec:
        """By the recipe that the models were trained with."""
        training = self.study.experiment.training
        return UnlearnSpec(steps=PLANTING, lr=training.lr, batch_size=training.batch_size)

    def _halved(self) -> UnlearnSpec:
        """Half of the budget that methods have."""
        spec = self.study.experiment.unlearning
        budget = {
            name: value if value is None else -(-value // 2)
            for name, value in (("steps", spec.steps), ("epochs", spec.epochs))
        }
        return spec.model_copy(update={**budget, "patience": None})

    def relearned(self, kind: str, states: ModelState) -> ModelState:
        """Models after a little fine-tuning on the rows that each keeps."""
        spec = self.study.experiment.unlearning
        few = spec.model_copy(update={"steps": RELEARNING, "epochs": None, "patience": None})
        return self._moved(f"relearned {kind}", states, finetune, few)

    def _stream(self, *name: object) -> torch.Generator:
        return torch_stream(self.pool.spec.seed, "bank", self.scenario, *name)

    def _rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        whole = self.pool.whole
        return whole.rows(np.arange(len(whole.labels))[chosen], self.study.torch_device)

    def _trained(self, kind: str) -> ModelState:
        """Models trained without the rows, each in an order of its own."""
        net, training = self.study.net("train", self.key), self.study.experiment.training
        jobs = []
        for number in self.numbers:
            kept = self.pool.members[number] & ~self.asked
            init = self.pool.initial(net, ("bank", kind, self.scenario, number))
            judging = self.pool.judging(kept, training.select)
            order = self._stream("order", kind, number)
            jobs.append(FitJob(self._rows(kept), judging, init, order))
        spec = training.model_copy(update={"epochs": max(1, round(EPOCHS[kind] * training.epochs))})
        return together([result.state for result in fit(net, jobs, spec)])

    def _moved(
        self, name: str, states: ModelState, method: Method, spec: UnlearnSpec
    ) -> ModelState:
        """Models moved by a method that sees what each keeps and was to forget."""
        samples, span = self.pool.whole.samples, self.pool.whole.train
        unlearning = Unlearning(
            method=Entry(name, method, MethodOptions),
            options=MethodOptions(),
            spec=spec,
            net=self.study.net("train", self.key),
            classes=len(self.study.data.classes),
            span=(float(samples[span].min()), float(samples[span].max())),
            title=f"{name} of the bank",
        )
        jobs, val = [], self._rows(self.pool.whole.val)
        for place, number in enumerate(self.numbers):
            members, start = self.pool.members[number], states.model(place)
            jobs.append(
                UnlearnJob(
                    retain=self._rows(members & ~self.asked),
                    forget=self._rows(members & self.asked),
                    val=val,
                    judging=val,
                    teacher=start,
                    init=start,
                    order=self._stream(name, number),
                    retrain=start.clone,
                )
            )
        return together([result.state for result in unlearning(jobs)])
