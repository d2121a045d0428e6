"""The experiments of arXiv 2512.19253 under its protocol and under ours, on one page."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from qhu.errors import UnknownName
from qhu.grid import run as grid
from qhu.grid.holes import refuse_holes, usable
from qhu.grid.stopping import stoppable
from qhu.report.paper.page import Runs, write_paper
from qhu.report.paper.released import COUNTERPARTS
from qhu.settings.experiment import Experiment, load_experiment
from qhu.settings.shipped import PUBLISHED, experiments

DATASETS = ("iris", "mnist", "fashion_mnist")
PROTOCOLS = ("their", "our")
METRICS = "metrics=[acc, kl, js, agree, mia, uqi, released]"
OURS = {"iris": ["scenarios.subset.fraction=0.03"]}
"""Where our experiment forgets another share than the release: as many rows as it, 3 of 102."""


@stoppable()
def run(
    datasets: Sequence[str], seeds: str | None, out: Path, console: Console, workers: int = 0
) -> Path:
    """Run what is not finished yet, each protocol in its ordinary run folder, and write the page.

    Args:
        datasets: names of :data:`DATASETS`.
        seeds: such as ``0-4``; None: 0 to 4.
        out: folder of the page.
        console: where progress is shown.
        workers: processes, as for :func:`qhu.grid.run_all`.

    Returns:
        The page.

    Raises:
        UserError: an unknown dataset, or a folder that holds something else.
        Interrupted: on Ctrl-C, SIGTERM or SIGHUP; the same command goes on where it stopped.
        Incomplete: cells failed; the page is written without them.
    """
    names = list(dict.fromkeys(datasets))
    for name in names:
        if name not in DATASETS:
            raise UnknownName("dataset of the paper", name, DATASETS)
    asked = {
        f"{name}, {words} protocol": (experiment, None)
        for name in names
        for words, experiment in zip(PROTOCOLS, protocols(name, seeds), strict=True)
    }
    outcomes = dict(zip(asked, grid.run_all(asked, console, workers), strict=True))
    folders, runs = usable(outcomes), {}
    for name in names:
        both = [f"{name}, {words} protocol" for words in PROTOCOLS]
        if folders.keys() >= set(both):
            runs[name] = Runs(PUBLISHED / f"{name}.csv", *(folders[title] for title in both))
    page = write_paper(out, runs)
    refuse_holes({title: outcome.failed for title, outcome in outcomes.items()}, page, console)
    return page


def protocols(dataset: str, seeds: str | None = None) -> tuple[Experiment, Experiment]:
    """The released experiment and ours, with the released methods' counterparts."""
    chosen = [f"seeds={seeds or '0-4'}"]
    theirs = load_experiment(experiments()[f"paper-{dataset}"], chosen)
    settings = [*chosen, METRICS, *OURS.get(dataset, ())]
    methods = list(COUNTERPARTS.values())
    ours = load_experiment(experiments()[dataset], settings, methods)
    return theirs, ours
