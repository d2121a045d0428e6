"""The files of a tuning: the tuned experiment, and a table of all trials."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import yaml

from qhu.errors import UserError
from qhu.record.documents import read_document
from qhu.record.files import replacing
from qhu.record.folder import RunFolder
from qhu.record.json_text import json_text
from qhu.settings.experiment import Experiment
from qhu.tune.search import SearchResult

TRIAL_COLUMNS = ("method", "trial", "objective", "leakage", "utility_loss", "pareto", "options")


def refuse_foreign(out: Path) -> None:
    """Refuse to write over a file that no tuning wrote.

    Raises:
        UserError: there is such a file.
    """
    if not out.exists():
        return
    document = read_document(out)
    if not isinstance(document, dict) or "tuned" not in document:
        raise UserError(f"{out} is no file of qhu tune: give another --out")


def write_experiment(tuned: Experiment, out: Path) -> None:
    """Write a tuned experiment as a file that ``qhu run`` takes: what differs from the defaults."""
    settings = tuned.model_dump(mode="json", exclude_defaults=True)
    about = tuned.tuned
    assert about is not None
    lines = (
        f"# The experiment {about.experiment} with the options that qhu tune chose,",
        f"# {about.trials} trials a method on other seeds. Edit that one and tune it again.",
    )
    body = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=100)
    with replacing(out) as partial:
        partial.write_text("\n".join([*lines, body]), encoding="utf-8")


def write_trials(folder: Path, outcomes: Mapping[str, SearchResult]) -> None:
    """Write ``trials.csv``: every trial with its options, and whether it is on the Pareto front."""
    rows = [
        (
            label,
            number,
            trial.value.objective,
            trial.value.leakage,
            trial.value.utility_loss,
            outcome.on_front(trial),
            json_text(trial.options.model_dump(mode="json"), ensure_ascii=False),
        )
        for label, outcome in outcomes.items()
        for number, trial in enumerate(outcome.trials)
    ]
    RunFolder(folder).write_table("trials.csv", pd.DataFrame(rows, columns=TRIAL_COLUMNS))
