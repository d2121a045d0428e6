"""TensorBoard: scores and losses as scalars, in a folder ``tensorboard`` of the run folder."""

import json
import shutil
from pathlib import Path
from typing import Any

from qhu.grid.events import CellFinished, Event, Listener, RunStarted
from qhu.trackers import missing, tracker


@tracker("tensorboard")
def tensorboard() -> Listener:
    """Scalars ``scenario/method/score`` with the seed as step, and losses per epoch and step."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise missing("tensorboard", error) from None
    return TensorboardFolders(SummaryWriter)


class TensorboardFolders:
    """Folders of TensorBoard in run folders; that of an earlier try is replaced.

    Args:
        make: makes a writer into a folder.
    """

    def __init__(self, make: Any) -> None:
        self._make = make
        self._writers: dict[Path, Any] = {}

    def __call__(self, event: Event) -> None:
        """Take down an event."""
        if isinstance(event, RunStarted):
            folder = event.folder / "tensorboard"
            shutil.rmtree(folder, ignore_errors=True)
            self._writers[event.folder] = self._make(str(folder))
        elif isinstance(event, CellFinished):
            for name, value in event.scores.items():
                tag = f"{event.scenario}/{event.method}/{name}"
                self._writers[event.folder].add_scalar(tag, value, event.seed)
        else:
            with self._writers.pop(event.folder) as writer:
                _add_losses(writer, event.folder / "history.jsonl")


def _add_losses(writer: Any, history: Path) -> None:
    for entry in history.read_text(encoding="utf-8").splitlines() if history.exists() else ():
        line = json.loads(entry)
        of = "/".join(filter(None, (line["scenario"], line["method"] or line["stage"])))
        at = line.get("epoch", line.get("step", 0))
        for name in ("loss", "val_loss"):
            if line.get(name) is not None:
                writer.add_scalar(f"{name}/{of}/seed {line['seed']}", line[name], at)
