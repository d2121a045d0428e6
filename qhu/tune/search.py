"""The search of one method: a trial is the method with some options, on every tuning seed.

What a trial trains, unlearns and evaluates are stages of the store, so that the same search again
costs nothing, and one that was stopped goes on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import torch
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState, create_trial

from qhu import pipeline, registry
from qhu.errors import UserError, is_fatal
from qhu.record.failure import reason
from qhu.record.stage import Stage
from qhu.registry import Options
from qhu.seeding import seed_sequence
from qhu.settings.experiment import ALWAYS_RUN
from qhu.study import FLOOR, Cell, Fit, Study
from qhu.tune.objective import Behaviour, Reference, TrialValue, judge, over_scenarios
from qhu.tune.space import Space, space_of

MOST_REFUSALS = 20
"""Combinations per trial that a method may refuse."""


@dataclass(frozen=True)
class Search:
    """What is asked of one method.

    Attributes:
        label: of the method in the experiment.
        scenarios: that its trials are judged in, together.
        trials: how many, the experiment's own options among them.
    """

    label: str
    scenarios: tuple[str, ...]
    trials: int


@dataclass(frozen=True)
class TriedOptions:
    """A trial: options and what came of them."""

    options: Options
    value: TrialValue


@dataclass(frozen=True)
class SearchResult:
    """All trials of a method, in their order; the first are the experiment's own options.

    Attributes:
        label: of the method.
        trials: the trials.
        kept: why options that were not tuned keep their value.
        refusals: why the method refused combinations, one reason each; they are no trials.
    """

    label: str
    trials: list[TriedOptions]
    kept: dict[str, str]
    refusals: list[str]

    @property
    def best(self) -> TriedOptions:
        """The trial of the lowest objective, of equal ones the first."""
        return min(self.trials, key=lambda trial: trial.value.objective)

    def on_front(self, trial: TriedOptions) -> bool:
        """Whether no other trial is better in leakage or utility and as good in the other."""
        own = trial.value
        return not any(
            other.leakage <= own.leakage
            and other.utility_loss <= own.utility_loss
            and (other.leakage, other.utility_loss) != (own.leakage, own.utility_loss)
            for other in (beside.value for beside in self.trials)
        )


def space_in(study: Study, label: str) -> Space:
    """What there is to tune of a method of the study; nothing of the reference methods."""
    chosen = study.experiment.methods[label]
    space = space_of(chosen.options, study.experiment.unlearning)
    if chosen.method in ALWAYS_RUN:
        return Space({}, {}, dict.fromkeys([*space.kept, *space.ranges], "it is a reference"))
    return space


def search(study: Study, asked: Search) -> SearchResult:
    """Try options of a method; deterministic, whatever else is tuned.

    A method without options to tune has one trial. A combination that the method refuses, or fails
    with, is no trial: another one is drawn.

    Raises:
        UserError: the method refuses the experiment's own options, or nearly all others.
    """
    space, first = space_in(study, asked.label), study.experiment.methods[asked.label]
    bench = _Bench(study, asked)
    trials = [TriedOptions(first.options, bench.judged(first.options))]
    refusals: list[str] = []
    if space.ranges:
        sampler = _Sampler(space, first.method, trials[0].value)
        while len(trials) < asked.trials:
            given = first.options.model_dump() | space.rounded(sampler.ask())
            try:
                options = registry.method.options(first.method, given)
                value = bench.judged(options)
            except Exception as error:
                if is_fatal(error):
                    raise
                sampler.refuse()
                refusals.append(reason(error))
                if len(refusals) > MOST_REFUSALS * asked.trials:
                    raise UserError(
                        f"{asked.label} refuses most combinations of its options, the last one "
                        f"by: {refusals[-1]}; declare in its fields what is to be tuned"
                    ) from None
            else:
                sampler.learn(value)
                trials.append(TriedOptions(options, value))
    return SearchResult(asked.label, trials, space.kept, refusals)


class _Sampler:
    """Tree-structured Parzen estimators of Optuna, seeded by the method's name alone."""

    def __init__(self, space: Space, method: str, first: TrialValue) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        seed = int(seed_sequence(0, "tune", method).generate_state(1)[0])
        self.ranges: dict[str, BaseDistribution] = space.ranges
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        if space.holds_start:
            value = first.objective
            start = create_trial(params=space.start, distributions=space.ranges, value=value)
            self.study.add_trial(start)

    def ask(self) -> dict[str, Any]:
        self.asked = self.study.ask(self.ranges)
        return self.asked.params

    def learn(self, value: TrialValue) -> None:
        self.study.tell(self.asked, value.objective)

    def refuse(self) -> None:
        self.study.tell(self.asked, state=TrialState.FAIL)


class _Bench:
    """Where the trials of a method are judged: on every seed of a study."""

    def __init__(self, study: Study, asked: Search) -> None:
        self.study, self.label, seeds = study, asked.label, study.experiment.seeds
        self.cells = [[Cell(name, asked.label, s) for s in seeds] for name in asked.scenarios]
        self.references = {cell: _reference(study, cell) for cells in self.cells for cell in cells}

    def judged(self, options: Options) -> TrialValue:
        """The method with these options, over all scenarios."""
        study, values = self.study.choosing(self.label, options), []
        for cells in self.cells:
            models = [behaviour(study, pipeline.unlearn(study, cell), cell) for cell in cells]
            values.append(judge(models, [self.references[cell] for cell in cells]))
        return over_scenarios(values)


def _reference(study: Study, cell: Cell) -> Reference:
    kinds = (Fit("oracle", cell.seed, cell.scenario), Fit(FLOOR, cell.seed, cell.scenario))
    oracle, floor = (behaviour(study, stage, cell) for stage in pipeline.train(study, kinds))
    forget, kept = seen_rows(study, cell)
    labels = study.partition(cell.seed, cell.scenario).labels
    return Reference(oracle, floor, labels[forget], labels[kept])


def seen_rows(study: Study, cell: Cell) -> tuple[Any, Any]:
    """Forget rows, and validation rows of the classes that are kept: all that is looked at."""
    partition = study.partition(cell.seed, cell.scenario)
    return partition.forget, partition.selection("val_loss")


def behaviour(study: Study, model: Stage, cell: Cell) -> Behaviour:
    """What a model does with those rows, evaluated on the backend of the evaluation."""
    forget, kept = seen_rows(study, cell)
    rows = np.concatenate([forget, kept])
    key = study.key("behaviour", "evaluate", cell.seed, model.key, rows.tolist())

    def compute() -> tuple[dict[str, Any], dict[str, Any]]:
        net, x = study.net("evaluate", key), study.seen_by(model, cell.seed)[rows]
        logits = net.infer(study.state(model), x.to(study.torch_device))
        return {"logits": logits.to("cpu", torch.float64).numpy()}, {}

    logits = study.store.get(key, compute).arrays["logits"]
    return Behaviour(logits[: len(forget)], logits[len(forget) :])
