"""MLflow: a run per run, with its settings, its scores and its files."""

import os
import time
from pathlib import Path
from typing import Any

from qhu.errors import shortened
from qhu.grid.events import CellFinished, Event, Listener, RunFinished, RunStarted
from qhu.settings.dotted import leaves
from qhu.trackers import missing, tracker

ENDS = {"finished": "FINISHED", "cancelled": "KILLED"}
"""What MLflow calls the ends of runs; all others are FAILED."""
LONGEST = 250
"""Characters of a parameter's value that every version of MLflow takes."""


@tracker("mlflow")
def mlflow() -> Listener:
    """Parameters, a metric ``scenario/method/score`` with the seed as its step, page and tables.

    The store and the experiment are those of ``MLFLOW_TRACKING_URI`` and
    ``MLFLOW_EXPERIMENT_NAME``; without the latter, the experiment's own name.
    """
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise missing("mlflow", error) from None
    return MlflowRuns(MlflowClient())


class MlflowRuns:
    """Runs of MLflow by the folders of ours.

    Args:
        client: of MLflow.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._runs: dict[Path, str] = {}

    def __call__(self, event: Event) -> None:
        """Take down an event."""
        if isinstance(event, RunStarted):
            self._start(event)
        elif isinstance(event, CellFinished):
            run, now = self._runs[event.folder], int(time.time() * 1000)
            for name, value in event.scores.items():
                metric = f"{event.scenario}/{event.method}/{name}"
                self._client.log_metric(run, metric, value, now, event.seed)
        else:
            self._end(event)

    def _start(self, event: RunStarted) -> None:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", event.name)
        existing = self._client.get_experiment_by_name(name)
        experiment = existing.experiment_id if existing else self._client.create_experiment(name)
        tags = {"mlflow.runName": event.fingerprint, "qhu.folder": str(event.folder)}
        run = self._client.create_run(experiment, tags=tags).info.run_id
        self._runs[event.folder] = run
        for keys, value in leaves(event.settings):
            self._client.log_param(run, ".".join(keys), shortened(str(value), LONGEST))

    def _end(self, event: RunFinished) -> None:
        run = self._runs.pop(event.folder)
        for file in sorted([*event.folder.glob("*.html"), *event.folder.glob("*.csv")]):
            self._client.log_artifact(run, str(file))
        self._client.set_tag(run, "qhu.status", event.status)
        self._client.set_terminated(run, ENDS.get(event.status, "FAILED"))
