"""The command ``qhu tune``: every method gets the same number of trials on seeds of their own."""

import datetime
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator
from rich.console import Console

from qhu import pipeline
from qhu.checks import check
from qhu.checks.sizes import check_processes
from qhu.errors import QhuError, UnknownName, UserError, fatal
from qhu.grid import run as grid
from qhu.grid.execute import Failed, Step
from qhu.grid.holes import refuse_holes
from qhu.grid.steps import batches
from qhu.grid.stopping import stoppable
from qhu.record.shelf import RUNS
from qhu.record.store import Store
from qhu.registry import Options, parse
from qhu.settings.experiment import ALWAYS_RUN, Experiment, MethodSpec, Seeds, refuse_tuned_on
from qhu.settings.tuned import Tuned, TunedMethod, TunedValue
from qhu.study import Fit, Study
from qhu.tune.files import refuse_foreign, write_experiment, write_trials
from qhu.tune.objective import OBJECTIVE, TrialValue
from qhu.tune.search import Search, SearchResult, search
from qhu.tune.words import print_outcomes


class TuningBudget(Options):
    """What every method may be tuned with."""

    trials: int = Field(30, ge=1, le=10_000)
    """trials of every method that has something to tune"""
    seeds: Seeds = (100, 101, 102)
    """tuning seeds"""

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must differ: the same seed twice is not two samples")
        return seeds


@stoppable()
def run(
    experiment: Experiment,
    trials: int,
    seeds: str | int | tuple[int, ...],
    out: Path | None,
    console: Console,
    workers: int = 0,
    scenario: str | None = None,
) -> Path:
    """Tune every method of an experiment and write the experiment with what was best.

    Args:
        experiment: what is tuned; its own options are the first trial.
        trials: of every method that has something to tune.
        seeds: tuning seeds, none of them the experiment's.
        out: the file to write; None: ``experiments/tuned/<experiment>.yaml``, with the scenario
            behind a dash where one is given.
        console: where progress and outcome are shown.
        workers: processes of a local Dask cluster, each of which tunes a method at a time; 0: this
            process. The outcome is the same.
        scenario: the only one to tune for; None: one set of options per method for all together.

    Returns:
        The file. Every trial is in ``runs/tuned/<experiment>/trials.csv``.

    Raises:
        UserError: seeds are shared with the experiment, it cannot be tuned as it is, or the file
            is another's.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP; the same command goes on where it stopped.
        Incomplete: methods failed; the file is written without them.
    """
    check_processes(workers, None)
    budget: TuningBudget = parse(TuningBudget, {"trials": trials, "seeds": seeds}, "qhu tune")
    _refuse(experiment, budget)
    scenarios = tuple(experiment.scenarios)
    called = experiment.name
    if scenario is not None:
        experiment, scenarios = _narrowed(experiment, scenario), (scenario,)
        called = f"{called}-{scenario}"
    out = out or Path("experiments") / "tuned" / f"{called}.yaml"
    refuse_foreign(out)
    study = Study(_on(experiment, budget.seeds), Store(grid.STORE.resolve()))
    if study.paid:
        raise UserError(
            "tuning would ask a device for every trial: tune on a simulator, such as by "
            "-s stages.evaluate=statevector"
        )
    grid.grade(study, console, workers)
    check(study)
    searches = [Search(label, scenarios, budget.trials) for label in experiment.methods]
    outcomes, failed = _searched(study, searches, console, workers)
    tuned = _tuned(experiment, called, scenarios, budget, outcomes)
    write_trials(RUNS / "tuned" / called, outcomes)
    write_experiment(tuned, out)
    print_outcomes(tuned, outcomes, out, console)
    refuse_holes({"": failed}, out, console, unit="method")
    return out


def _refuse(experiment: Experiment, budget: TuningBudget) -> None:
    """Refuse what would make a tuned result worthless."""
    if experiment.tuned is not None:
        raise UserError(
            f"{experiment.name} is tuned already: tune {experiment.tuned.experiment}, from which "
            "it was made"
        )
    try:
        refuse_tuned_on(budget.seeds, experiment.seeds)
    except ValueError as error:
        raise UserError(f"qhu tune --seeds: {error}") from None
    if not experiment.data.val:
        raise UserError("tuning judges by validation rows, and there are none: raise data.val")
    for part in ("training", "unlearning"):
        if getattr(experiment, part).select == "test_accuracy":
            raise UserError(f"tuning reads no test rows: set {part}.select to val_loss")


def _on(experiment: Experiment, seeds: tuple[int, ...]) -> Experiment:
    """The experiment on its tuning seeds; models from elsewhere have no part in it."""
    return experiment.model_copy(update={"seeds": seeds, "checkpoints": {}})


def _narrowed(experiment: Experiment, scenario: str) -> Experiment:
    """No other scenarios than the chosen one, and those that its rows or its teacher depend on."""
    if scenario not in experiment.scenarios:
        raise UnknownName("scenario", scenario, experiment.scenarios)
    stay = {scenario, experiment.training.teacher_without}
    chosen = {k: asked for k, asked in experiment.scenarios.items() if k in stay or asked.ids}
    return experiment.model_copy(update={"scenarios": chosen})


def _searched(
    study: Study, searches: Sequence[Search], console: Console, workers: int
) -> tuple[dict[str, SearchResult], list[str]]:
    """The search of every method, in the order of the experiment, and why others failed.

    Raises:
        QhuError: one of the reference methods failed.
    """
    trained = [Step(study, "training", f"train {fits[0]}", _train, fits) for fits in batches(study)]
    tuning = [
        Step(study, "tuning", asked.label, _search, asked, frozenset(trained)) for asked in searches
    ]
    results = dict(grid.work_through([*trained, *tuning], console, workers))
    failed = {s.name: results[s].reason for s in tuning if isinstance(results[s], Failed)}
    if lost := [label for label in ALWAYS_RUN if label in failed]:
        raise QhuError(f"{lost[0]}, to which all methods are compared: {failed[lost[0]]}")
    done = {step.name: results[step] for step in tuning if step.name not in failed}
    return done, [f"{label}: {why}" for label, why in failed.items()]


def _search(study: Study, asked: Search) -> SearchResult:
    """The search of a method; options that it refuses are the caller's to mend, and end it all."""
    try:
        return search(study, asked)
    except UserError:
        with fatal():
            raise


def _train(study: Study, fits: list[Fit]) -> None:
    pipeline.train(study, fits)


def _tuned(
    experiment: Experiment,
    called: str,
    scenarios: tuple[str, ...],
    budget: TuningBudget,
    outcomes: Mapping[str, SearchResult],
) -> Experiment:
    """The experiment with the best options and where they come from."""
    methods: dict[str, Any] = {
        label: MethodSpec(method=chosen.method, options=outcomes[label].best.options)
        for label, chosen in experiment.methods.items()
        if label in outcomes  # one that failed has no options that were tuned
    }
    tuned = Tuned(
        experiment=experiment.name,
        seeds=budget.seeds,
        scenarios=scenarios,
        trials=budget.trials,
        objective=OBJECTIVE,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions={name: version(name) for name in ("qhu", "optuna")},
        methods={label: _method(outcome) for label, outcome in outcomes.items()},
    )
    update = {"name": f"tuned-{called}", "methods": methods, "tuned": tuned}
    return experiment.model_copy(update=update)


def _method(outcome: SearchResult) -> TunedMethod:
    before, after = outcome.trials[0].value, outcome.best.value
    return TunedMethod(trials=len(outcome.trials), before=_value(before), after=_value(after))


def _value(value: TrialValue) -> TunedValue:
    """To six digits: more of them are no evidence."""
    return TunedValue(
        objective=round(value.objective, 6),
        leakage=round(value.leakage, 6),
        utility_loss=round(value.utility_loss, 6),
    )
