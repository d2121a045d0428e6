"""The whole Iris study, and many models at once against one by one."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.contender import ROOT, ContenderFailed, limits
from benchmarks.rows import DifferentWork, Row, row
from qhu.record.store import Store
from qhu.seeding import torch_stream
from qhu.settings.experiment import Experiment, load_experiment
from qhu.study import Study
from qhu.training import FitJob, fit

IRIS = ROOT / "experiments/iris.yaml"
STUDY_SECONDS = 3600.0
"""So long the study may take: a minute where nothing else runs."""
AGREEMENT = 1e-5
"""Largest difference in θ between models trained at once and one by one."""


def iris_study(threads: int) -> Row:
    """Row of ``qhu run experiments/iris.yaml`` with nothing computed before.

    Raises:
        ContenderFailed: it does not end, or not well.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("qhu")), "run", str(IRIS), "--out", "run"]
        begun = time.perf_counter()
        try:
            subprocess.run(
                command,
                cwd=folder,  # the store of finished stages lies here, empty
                env={**os.environ, **limits(threads)},
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                timeout=STUDY_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or [f"ended with status {error.returncode}"]
            raise ContenderFailed(lines[-1]) from error
        except subprocess.TimeoutExpired as error:
            raise ContenderFailed(f"not done within {STUDY_SECONDS:g} seconds") from error
        taken = 1e3 * (time.perf_counter() - begun)
    asked = load_experiment(IRIS)
    cells = len(asked.seeds) * len(asked.scenarios) * len(asked.methods)
    about = {
        "qubits": 4,
        "batch": asked.training.batch_size,
        "layers": asked.model.ansatz.options.layers,
    }
    return row("iris-study", "qhu", [taken], **about, dtype="float32", threads=threads, cells=cells)


def many_models(models: int = 64, epochs: int = 5) -> dict[str, Any]:
    """Throughput of training Iris teachers at once against one by one, the same results checked.

    Raises:
        DifferentWork: the results are not the same.
    """
    asked = load_experiment(IRIS, [f"training.epochs={epochs}", f"seeds=0-{models - 1}"])
    with tempfile.TemporaryDirectory() as folder:
        study = Study(asked, Store(Path(folder)))
        net, spec = study.net("train"), asked.training
        # A job's data order is drawn from as it trains: every fit gets jobs of its own.
        warm, stack, singles = (_jobs(study, asked) for _ in range(3))
        fit(net, warm[:2], spec)
        begun = time.perf_counter()
        together = fit(net, stack, spec)
        middle = time.perf_counter()
        single = [fit(net, [job], spec)[0] for job in singles]
        end = time.perf_counter()
    pairs = zip(together, single, strict=True)
    apart = max(float((a.state.theta - b.state.theta).abs().max()) for a, b in pairs)
    if not apart <= AGREEMENT:
        raise DifferentWork(f"models trained at once differ by {apart:.1e} from one by one")
    return {
        "models": models,
        "epochs": epochs,
        "at_once_ms": round(1e3 * (middle - begun), 1),
        "one_by_one_ms": round(1e3 * (end - middle), 1),
        "throughput_ratio": round((end - middle) / (middle - begun), 2),
        "differ_by": float(f"{apart:.1e}"),
    }


def _jobs(study: Study, asked: Experiment) -> list[FitJob]:
    net = study.net("train")
    return [
        FitJob(
            study.rows(seed, study.split(seed).train),
            study.rows(seed, study.split(seed).val),
            net.initial(torch_stream(seed, "init")),
            torch_stream(seed, "order", "teacher"),
        )
        for seed in asked.seeds
    ]
