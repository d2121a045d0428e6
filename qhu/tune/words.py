"""What a tuning shows on screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from qhu.report.design import TUNING_SPENDS
from qhu.settings.experiment import Experiment
from qhu.terminal import ScreenColumn, print_table, say
from qhu.tune.search import SearchResult

FEW = 2
"""More methods than this are not named beside an option of theirs."""


def print_outcomes(
    tuned: Experiment, outcomes: Mapping[str, SearchResult], out: Path, console: Console
) -> None:
    """Print what every method had and has, what was not tuned and why, and what it spent."""
    best = [outcome.best.value for outcome in outcomes.values()]
    numbers = {
        "before": [outcome.trials[0].value.objective for outcome in outcomes.values()],
        "after": [value.objective for value in best],
        "leakage": [value.leakage for value in best],
        "utility loss": [value.utility_loss for value in best],
    }
    print_table(
        ScreenColumn("method", list(outcomes), number=False),
        [
            ScreenColumn("trials", [str(len(outcome.trials)) for outcome in outcomes.values()]),
            *(ScreenColumn(head, [f"{v:.3f}" for v in values]) for head, values in numbers.items()),
            ScreenColumn(
                "options", [_changed(outcome) for outcome in outcomes.values()], number=False
            ),
        ],
        console,
    )
    for line in _lines(tuned, outcomes):
        say(line, console)
    console.print(f"tuned: {out}", markup=False, soft_wrap=True)


def _changed(outcome: SearchResult) -> str:
    """Options of the best trial that differ from those of the first."""
    first, best = outcome.trials[0].options, outcome.best.options
    own: dict[str, Any] = best.model_dump()
    changed = {name: value for name, value in own.items() if getattr(first, name) != value}
    if changed:
        return ", ".join(f"{name} {value}" for name, value in changed.items())
    return "its own are best" if len(outcome.trials) > 1 else "nothing to tune"


def _lines(tuned: Experiment, outcomes: Mapping[str, SearchResult]) -> list[str]:
    assert tuned.tuned is not None
    seeds = ", ".join(map(str, tuned.tuned.seeds))
    lines = [f"Lower is better; minimised on the seeds {seeds}: {tuned.tuned.objective}."]
    for label, outcome in outcomes.items():
        if outcome.refusals:
            lines.append(
                f"{label} refused {len(outcome.refusals)} combinations, which are no trials: "
                f"{outcome.refusals[-1]}"
            )
    for reason, options in _kept(outcomes).items():
        lines.append(f"Not tuned: {', '.join(options)}: {reason}.")
    return [*lines, TUNING_SPENDS]


def _kept(outcomes: Mapping[str, SearchResult]) -> dict[str, list[str]]:
    """Options that keep their value by the reason, with their methods where these are few."""
    labels: dict[tuple[str, str], list[str]] = {}
    for label, outcome in outcomes.items():
        for option, reason in outcome.kept.items() if len(outcome.trials) > 1 else ():
            labels.setdefault((reason, option), []).append(label)
    by_reason: dict[str, list[str]] = {}
    for (reason, option), its in labels.items():
        owner = f" ({', '.join(its)})" if len(its) <= FEW else ""
        by_reason.setdefault(reason, []).append(option + owner)
    return by_reason
