"""Recompute every released figure from the released checkpoints."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from qhu.errors import UserError
from qhu.metrics.evidence import Evidence, Outputs, measure
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.paper.checkpoint import find_checkpoint, load_checkpoint
from qhu.paper.release import LETTERS, ORACLES, TAGS, TEACHER, released_study
from qhu.record.documents import read_bounded
from qhu.record.released import COLUMNS, SAME, SHUFFLED
from qhu.settings.shipped import PUBLISHED
from qhu.study import Study

SEED = 0
"""Any: the released rows are the same under every seed."""
MAX_TABLE = 10_000_000
"""Bytes of a result table."""
EXTRA = (*SHUFFLED.values(), "MIA_AUC_test", SAME["MIA_AUC"])


@dataclass(frozen=True)
class AuditRow:
    """A figure; ``published`` is None where the release has none."""

    scenario: str
    method: str
    metric: str
    published: float | None
    recomputed: float


def audit(folder: Path, dataset: str, published: Path | None = None) -> list[AuditRow]:
    """Released figures beside the same figures computed from the released checkpoints.

    Args:
        folder: holds ``{tag}_best.pth`` of the teacher, both oracles and every method, or a folder
            below it does.
        dataset: ``iris``, ``mnist`` or ``fashion_mnist``.
        published: result table of the release; None: the one that ships.

    Returns:
        Per scenario and method the released columns and the extra ones; the methods ``none`` (the
        teacher) and ``oracle`` are not in the release.

    Raises:
        UserError: a file is missing, foreign or of another network.
    """
    study = released_study(dataset)
    table = _read_published(published or PUBLISHED / f"{dataset}.csv")
    rows: list[AuditRow] = []
    for scenario, method, figures in _recompute(folder, dataset, study):
        released = table.get((scenario, method), {})
        rows += [AuditRow(scenario, method, k, released.get(k), v) for k, v in figures.items()]
    return rows


def _recompute(
    folder: Path, dataset: str, study: Study
) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Scenario, method and figures of every model."""
    net = study.net("evaluate")
    tags = {
        scenario: {"none": TEACHER, "oracle": ORACLES[scenario]}
        | {method: tag.format(letter) for method, tag in TAGS.items()}
        for scenario, letter in LETTERS.items()
    }
    files = {tag: find_checkpoint(folder, tag) for group in tags.values() for tag in group.values()}
    states = {tag: load_checkpoint(file, net, dataset) for tag, file in files.items()}
    samples = study.partition(SEED).samples
    outputs = {tag: _outputs(net, state, samples) for tag, state in states.items()}
    for scenario, methods in tags.items():
        for method, tag in methods.items():
            evidence = Evidence(
                labels=study.data.y,
                subsets=study.partition(SEED, scenario).subsets(),
                model=outputs[tag],
                oracle=outputs[ORACLES[scenario]],
                teacher=outputs[TEACHER],
                angles=net.theta.mask("quantum").numpy(),
            )
            scores = measure(evidence, ("released", "mia"))
            shown = [name for name in (*COLUMNS, *EXTRA) if name in scores]
            yield scenario, method, {name: scores[name].value for name in shown}


def _outputs(net: HybridNet, state: ModelState, x: torch.Tensor) -> Outputs:
    """A model on all rows, in evaluation mode."""
    features, probabilities = net.outputs(state, x)
    return Outputs(probabilities.numpy(), features.numpy(), state.theta.numpy())


def _read_published(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Result table of the release: scenario and method to its figures, empty cells left out.

    Raises:
        UserError: the file cannot be read or is not such a table.
    """
    try:
        table = pd.read_csv(io.BytesIO(read_bounded(path, MAX_TABLE)))
        if missing := {"scenario", "method", *COLUMNS} - set(table.columns):
            raise UserError(
                f"{path} lacks the column {min(missing)}: give the release's result CSV"
            )
        figures = table[list(COLUMNS)].astype(float).to_numpy().tolist()
    except ValueError:  # pandas' parser errors, undecodable bytes and text in a cell are these too
        raise UserError(f"{path} is not a result table of the release: give its CSV") from None
    keys = zip(table["scenario"], table["method"], strict=True)
    return {
        key: {
            name: value for name, value in zip(COLUMNS, line, strict=True) if not math.isnan(value)
        }
        for key, line in zip(keys, figures, strict=True)
    }
