"""A pool of models: networks trained on random halves, what methods make of them, and oracles.

::

    halves ─► teachers = fit(half)                            members (N, R)
    scenario's forget rows F:  request = F ∩ half
        oracles = fit(half \\ request), floors = the same again, method retrain
        unlearned = METHOD(teacher, half \\ request, request)

Every batch of models is a stage of the store, found by its key like those of the pipeline. N is
the number of models, R that of rows, C of classes; a half, the oracle of it and its unlearned
versions have the same number i. With ``requests`` a scenario is a sequence of deletions, a call of
the method each; there is an oracle after each.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qhu.data.rows import Rows
from qhu.evidence.stacks import stack_arrays, stack_of
from qhu.memorisation import halves
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState, together
from qhu.pipeline import unlearning
from qhu.record.identity import code_digest, identity
from qhu.record.stage import Stage
from qhu.seeding import numpy_stream, torch_stream
from qhu.settings.evidence import EvidenceSpec
from qhu.study import FLOOR, Study
from qhu.training import FitJob, fit
from qhu.unlearn.unlearning import UnlearnJob

TOGETHER = 256
"""Models that are one stage, where the network trains them as one stack."""
ALONE = 8
"""The same where they are trained one by one."""
RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, order=True)
class PoolBatch:
    """Models of the pool that are made together.

    Attributes:
        kind: ``teacher``, ``oracle``, ``floor`` or the label of a method.
        scenario: what was asked to be forgotten; empty for teachers.
        request: how many deletions of a sequence an oracle has behind it, from 0.
        number: which batch of those of this kind, from 0.
    """

    kind: str
    scenario: str = ""
    request: int = 0
    number: int = 0

    def __str__(self) -> str:
        return " ".join(filter(None, (self.scenario, self.kind, f"batch {self.number}")))


@dataclass(frozen=True, eq=False)
class Models:
    """What a batch holds, or several put together: arrays whose first axis counts models.

    Attributes:
        numbers: (m,) numbers of the models in the pool.
        states: θ (m, d) and buffers.
        logits: (m, R, C), or after each request of a sequence (m, k, R, C).
        steps: (m,) optimiser steps.
    """

    numbers: RowNumbers
    states: ModelState
    logits: NDArray[np.float32]
    steps: RowNumbers


class Pool:
    """The models of a study's evidence, made when they are asked for.

    Args:
        study: the study.

    Attributes:
        spec: what is asked.
        members: (N, R) which rows a model was trained on.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.spec = study.experiment.evidence or EvidenceSpec()
        self.whole = study.partition(self.spec.seed)
        train = np.sort(self.whole.train)
        drawn = numpy_stream(self.spec.seed, "pool", "halves")
        self.members = np.zeros((self.spec.models, len(self.whole.labels)), dtype=bool)
        self.members[:, train] = halves(self.whole.labels[train], self.spec.models, drawn)

    def count(self, scenario: str) -> int:
        """How many of the models a scenario is asked of."""
        return min(self.spec.fewer.get(scenario, self.spec.models), self.spec.models)

    def requests(self, scenario: str) -> list[NDArray[np.bool_]]:
        """(R,) rows to be forgotten, after one deletion after another: each holds those before."""
        partition = self.study.partition(self.spec.seed, scenario)
        parts = partition.requests
        rows = np.arange(len(self.whole.labels))
        ends = np.cumsum([len(part) for part in parts])
        asked = np.concatenate(parts)
        return [np.isin(rows, asked[:end]) for end in ends]

    def requested(self, scenario: str, request: int = -1) -> NDArray[np.bool_]:
        """(n, R) which rows each model that is asked had been trained on and was to forget."""
        return self.members[: self.count(scenario)] & self.requests(scenario)[request]

    def batches(self, kind: str, scenario: str = "", request: int = 0) -> list[PoolBatch]:
        """The batches of a kind; see :meth:`numbers`."""
        count = self.count(scenario) if scenario else self.spec.models
        return [
            PoolBatch(kind, scenario, request, number) for number in range(-(-count // self._size))
        ]

    def numbers(self, batch: PoolBatch) -> RowNumbers:
        """(m,) models of a batch: those with equally much to forget side by side, for stacks."""
        if not batch.scenario:
            order = np.arange(self.spec.models)
        else:
            order = np.argsort(self.requested(batch.scenario, 0).sum(axis=1), kind="stable")
        return order[batch.number * self._size :][: self._size]

    def make(self, batch: PoolBatch) -> Stage:
        """A batch, from the store if it is there."""
        key = self.key(batch)
        if batch.kind in ("teacher", "oracle", FLOOR):
            return self.study.store.get(key, lambda: self._trained(batch, key))
        return self.study.store.get(key, lambda: self._unlearned(batch, key))

    def models(self, kind: str, scenario: str = "", request: int = 0) -> Models:
        """All models of a kind in the order of their numbers."""
        parts = [_models(self.make(batch)) for batch in self.batches(kind, scenario, request)]
        order = np.argsort(np.concatenate([part.numbers for part in parts]))
        states = ModelState(
            torch.cat([part.states.theta for part in parts])[order],
            {
                name: torch.cat([part.states.buffers[name] for part in parts])[order]
                for name in parts[0].states.buffers
            },
        )
        return Models(
            np.concatenate([part.numbers for part in parts])[order],
            states,
            np.concatenate([part.logits for part in parts])[order],
            np.concatenate([part.steps for part in parts])[order],
        )

    def judging(self, kept: NDArray[np.bool_], select: str) -> Rows:
        """Rows by which an epoch of a model is selected: of classes that it is trained on (R,)."""
        part = self.whole.selection(select)
        labels = self.whole.labels
        return self._rows(part[np.isin(labels[part], labels[kept])])

    def initial(self, net: HybridNet, name: tuple[object, ...]) -> ModelState:
        """Weights that the training of a model starts from; its name ends with its number.

        As the study pairs them, they are the same for all models of a number.
        """
        own = name[-1:] if self.study.experiment.training.paired else name
        return net.initial(self._stream("init", *own)).to(self.study.torch_device)

    # -- how they are made -------------------------------------------------------------------------

    @cached_property
    def _size(self) -> int:
        return TOGETHER if self.study.net("train").stacked else ALONE

    def key(self, batch: PoolBatch) -> str:
        """Key of a batch in the store."""
        study, experiment = self.study, self.study.experiment
        numbers = self.numbers(batch)
        settings = [identity(experiment.training), code_digest("qhu.evidence.pool")]
        used: list[Any] = [numbers.tolist(), np.packbits(self.members[numbers]).tobytes().hex()]
        if batch.scenario:
            asked = self.requests(batch.scenario)
            used.append([np.flatnonzero(rows).tolist() for rows in asked])
        if chosen := experiment.methods.get(batch.kind):
            foreign = study.foreign.get(f"method {batch.kind}")
            method = [chosen.method, foreign, identity(chosen.options)]
            used += [identity(experiment.unlearning), method]
        stage = "unlearn" if chosen else "train"
        return study.key("pool", stage, self.spec.seed, settings, astuple(batch), used)

    def _rows(self, chosen: RowNumbers | NDArray[np.bool_]) -> Rows:
        index = np.arange(len(self.whole.labels))[chosen]
        return self.whole.rows(index, self.study.torch_device)

    def _stream(self, *name: object) -> torch.Generator:
        return torch_stream(self.spec.seed, "pool", *name)

    def _trained(self, batch: PoolBatch, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Teachers, oracles or floors, in data orders of their own; as the study pairs them,
        from the same weights for all models of a number."""
        net, training = self.study.net("train", key), self.study.experiment.training
        numbers, jobs = self.numbers(batch), list[FitJob]()
        for number in numbers:
            kept = self.members[number].copy()
            if batch.scenario:
                kept &= ~self.requests(batch.scenario)[batch.request]
            name = (batch.kind, batch.scenario, batch.request, number)
            init = self.initial(net, name)
            judging = self.judging(kept, training.select)
            jobs.append(FitJob(self._rows(kept), judging, init, self._stream("order", *name)))
        results = fit(net, jobs, training)
        states = together([result.state for result in results])
        arrays = stack_arrays("", states)
        if batch.kind == "teacher":  # some methods begin where it began
            arrays |= stack_arrays("init ", together([job.init for job in jobs]))
        arrays["logits"] = self._logits(states, key)
        arrays["steps"] = np.array([result.steps for result in results])
        return arrays | {"numbers": numbers}, {}

    def _unlearned(self, batch: PoolBatch, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Teachers after a method; of a sequence after each deletion."""
        net, numbers = self.study.net("unlearn", key), self.numbers(batch)
        method = unlearning(self.study, self.spec.seed, batch.kind, str(batch), net)
        teachers, inits = self._teachers(numbers)
        states, steps, logits = teachers, np.zeros(len(numbers), dtype=np.int64), []
        chosen = self.study.experiment.methods[batch.kind].method  # whatever its label is
        orders = [self._stream("unlearn", batch.scenario, chosen, i) for i in numbers]
        asked, before = self.requests(batch.scenario), np.zeros(self.members.shape[1], dtype=bool)
        for request, rows in enumerate(asked):
            jobs = dict(self._jobs(batch, request, rows, before, states, inits, orders))
            for place, result in zip(jobs, method(list(jobs.values())), strict=True):
                states[place] = result.state
                steps[place] += len(result.history)
            logits.append(self._logits(together(states), key))
            before = rows
        if chosen == "retrain":
            last = PoolBatch(FLOOR, batch.scenario, len(asked) - 1, batch.number)
            steps = self.make(last).arrays["steps"]
        arrays = stack_arrays("", together(states)) | {"numbers": numbers, "steps": steps}
        arrays["logits"] = logits[0] if len(asked) == 1 else np.stack(logits, axis=1)
        return arrays, {}

    def _jobs(
        self,
        batch: PoolBatch,
        request: int,
        rows: NDArray[np.bool_],
        before: NDArray[np.bool_],
        states: Sequence[ModelState],
        inits: Sequence[ModelState],
        orders: Sequence[torch.Generator],
    ) -> Iterator[tuple[int, UnlearnJob]]:
        """By its place in the batch, every model that has something of a request to forget."""
        select, val = self.study.experiment.unlearning.select, self._rows(self.whole.val)
        for place, number in enumerate(self.numbers(batch)):
            forget = self.members[number] & rows & ~before
            kept = self.members[number] & ~rows
            if forget.any():
                yield (
                    place,
                    UnlearnJob(
                        retain=self._rows(kept),
                        forget=self._rows(forget),
                        val=val,
                        judging=self.judging(kept, select),
                        teacher=states[place],
                        init=inits[place],
                        order=orders[place],
                        retrain=self._retrain(batch, request, place),
                    ),
                )

    def _retrain(self, batch: PoolBatch, request: int, place: int) -> Callable[[], ModelState]:
        """Training again without the rows: a second oracle, so that it differs as oracles do."""

        def floor() -> ModelState:
            stage = self.make(PoolBatch(FLOOR, batch.scenario, request, batch.number))
            return _models(stage).states.model(place)

        return floor

    def _teachers(self, numbers: RowNumbers) -> tuple[list[ModelState], list[ModelState]]:
        """Trained and initial states of some models."""
        trained, initial = dict[int, ModelState](), dict[int, ModelState]()
        for batch in self.batches("teacher"):
            own = self.numbers(batch)
            if not np.isin(own, numbers).any():
                continue
            stage = self.make(batch)
            for prefix, kept in (("", trained), ("init ", initial)):
                states = stack_of(prefix, stage)
                kept |= {int(number): states.model(at) for at, number in enumerate(own)}
        return [trained[int(i)] for i in numbers], [initial[int(i)] for i in numbers]

    def _logits(self, states: ModelState, key: str) -> NDArray[np.float32]:
        """(m, R, C) of all rows."""
        net, x = self.study.net("evaluate", key), self.whole.samples.to(self.study.torch_device)
        if net.plain and net.stacked:
            return net.infer(states, x.expand(len(states.theta), *x.shape)).cpu().numpy()
        each = [net.infer(states.model(i), x) for i in range(len(states.theta))]
        return torch.stack(each).cpu().numpy()


def _models(stage: Stage) -> Models:
    arrays = stage.arrays
    return Models(arrays["numbers"], stack_of("", stage), arrays["logits"], arrays["steps"])
