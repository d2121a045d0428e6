"""Example figures of the docs, from a small study that the build runs and from the layers."""

import functools
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from matplotlib.axes import Axes
from qiskit.primitives import StatevectorEstimator

from qhu import registry
from qhu.backends.named import open_backend
from qhu.engine.ansatz import Ansatz
from qhu.model.circuit import build_ansatz
from qhu.report.frames import RunFiles, load_run
from qhu.report.panels import Panel
from qhu.report.run.figures import forest_panels, metric_panel
from qhu.report.run.sections import answered
from qhu.report.run_tests import page_tests
from qhu.report.styles import REFERENCE_METHODS
from qhu.report.svg import draw
from qhu.settings.model import ModelSpec

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "generated"
NOTEBOOKS = Path(__file__).parent / "notebooks"
"""Where notebooks are executed, too."""
STUDY = "qhu run experiments/iris.yaml --seeds 0-2 --out example"
COLOURS = ("#0072B2", "#D55E00", "#009E73")


def prepare() -> None:
    """Make the folder of the examples, in which commands run as in that of the repository.

    What notebooks made goes, and the run folders of tutorials, so that every build prints the same;
    stages of tutorials stay.
    """
    for name in ("qiskit", "traitlets"):
        logging.getLogger(name).setLevel(logging.WARNING)  # Sphinx shows what others log
    FOLDER.mkdir(exist_ok=True)
    shutil.rmtree(FOLDER / "example", ignore_errors=True)
    for folder in (*(FOLDER / "runs").glob("[!.]*/"), *NOTEBOOKS.glob("*/")):
        shutil.rmtree(folder)
    for name in ("experiments", "backends.yaml"):
        if not (FOLDER / name).exists():
            (FOLDER / name).symlink_to(ROOT / name)


@functools.cache
def shell(commands: str) -> str:
    """What shell commands print, run where the examples are kept; the same ones only once.

    Raises:
        subprocess.CalledProcessError: one of them failed.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-ec", commands],
        cwd=FOLDER,
        env={**os.environ, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout


@functools.cache
def example() -> RunFiles:
    """The Iris study over three seeds; what an earlier build computed is not computed again."""
    shell(f"{STUDY} -s metrics=[{','.join(registry.metric.names())}]")
    return load_run(FOLDER / "example")


def _class(run: RunFiles) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Results and summary of the class scenario."""
    results, summary = run.results, run.summary
    return results[results["scenario"] == "class"], summary[summary["scenario"] == "class"]


def method_figure(name: str) -> Panel:
    """How far from the oracle the method ends, beside the honest rows."""
    run = example()
    results, _ = _class(run)
    results = results[results["method"].isin([*REFERENCE_METHODS, name])]
    (tests,) = page_tests(results, run.scores).values()
    reply = answered(results, tests, run.facts)
    assert reply  # the study has accuracies of forget rows
    panel = forest_panels(f"method-{name}", reply.table.rows, tests)[0]
    return Panel(panel.drawing, f"Iris, class 0 is to be forgotten. {panel.caption}")


def metric_figure(name: str) -> Panel:
    """One score of the metric for every method."""
    results, summary = _class(example())
    own = [score for score in example().scores.values() if score.metric == name]
    chosen = next((score for score in own if score.rows == "forget"), own[0])
    panel = metric_panel("metric", chosen, results, summary)
    return Panel(panel.drawing, f"Iris, class 0 is to be forgotten. {panel.caption}")


def backend_figure(name: str) -> Panel | None:
    """⟨Z⟩ of the first qubit as the first feature turns; None where a device would be needed."""
    known = yaml.safe_load((ROOT / "backends.yaml").read_text(encoding="utf-8"))
    named = [key for key, entry in known.items() if entry["kind"] == name][: len(COLOURS)]
    if name == "ibm":
        return None
    drawing = draw(functools.partial(_sweep, named), (5.6, 3.6), f"backend-{name}", name)
    caption = (
        "⟨Z⟩ of the first qubit as the first of four features goes through its range; two layers, "
        "random weights. Dots: Qiskit's StatevectorEstimator, exact."
    )
    return Panel(drawing, caption)


def _sweep(names: list[str], axes: Axes) -> None:
    ansatz = build_ansatz(ModelSpec(), 4)
    x = torch.zeros(49, 4)
    x[:, 0] = torch.linspace(-np.pi, np.pi, len(x))
    weights = torch.empty(len(ansatz.weights)).uniform_(
        -np.pi, np.pi, generator=torch.Generator().manual_seed(1)
    )
    for name, colour in zip(names, COLOURS, strict=False):
        layer = open_backend(name, ROOT / "backends.yaml").layer(ansatz, seed=0)
        with torch.no_grad():
            layer.weight.copy_(weights)
            axes.plot(x[:, 0], layer(x)[:, 0], color=colour, label=name)
    exact = _qiskit(ansatz, x[::4].numpy(), weights.numpy())
    axes.plot(x[::4, 0], exact, "o", color="#1c1c1c", ms=4, label="Qiskit, exact")
    axes.set_xlabel("first feature")
    axes.set_ylabel("⟨Z⟩ of the first qubit")
    axes.legend(frameon=False)


def _qiskit(ansatz: Ansatz, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = {parameter: place for place, parameter in enumerate((*ansatz.inputs, *ansatz.weights))}
    values = np.hstack([x, np.tile(weights, (len(x), 1))])
    values = values[:, [order[parameter] for parameter in ansatz.circuit.parameters]]
    job = StatevectorEstimator().run([(ansatz.circuit, ansatz.observables[0], values)])
    return job.result()[0].data.evs
