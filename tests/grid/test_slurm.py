"""The Slurm example, as far as it goes without Slurm: a stand-in starts its jobs as processes."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest

pytest.importorskip("dask_jobqueue")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "slurm.py"
SBATCH = """#!/bin/sh
# Like Slurm, keep a copy: the script is deleted as soon as it is submitted.
cp "$1" "$JOBS/script.sh"
setsid sh "$JOBS/script.sh" > "$JOBS/log" 2>&1 &
echo $! > "$JOBS/pid"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" > "$JOBS/cancelled"
kill -- "-$1"
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with stand-ins for the two commands, first in PATH; ends what they started."""
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (jobs / name).write_text(text)
        (jobs / name).chmod(0o755)
    monkeypatch.setenv("JOBS", str(jobs))
    monkeypatch.setenv("PATH", str(jobs), prepend=os.pathsep)
    yield jobs
    if (jobs / "pid").exists():
        with contextlib.suppress(ProcessLookupError):  # cancelled in time
            os.killpg(int((jobs / "pid").read_text()), signal.SIGKILL)


def load():
    spec = importlib.util.spec_from_file_location("slurm_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_job_script_asks_for_one_thread_per_worker():
    with load().cluster(4) as nodes:
        script = nodes.job_script()
    lines = script.splitlines()
    assert "#SBATCH --cpus-per-task=4" in lines
    assert "#SBATCH -t 02:00:00" in lines
    assert any(line.startswith("#SBATCH --mem=1") for line in lines)
    worker = next(line for line in lines if "distributed.cli.dask_worker" in line)
    assert worker.startswith(sys.executable)
    for option in ("--nthreads 1", "--nworkers 4", "--lifetime 110m"):
        assert option in worker


def test_the_documented_command_asks_for_its_jobs(monkeypatch, capsys):
    example, nodes = load(), mock.MagicMock()
    nodes.__enter__.return_value = nodes
    monkeypatch.setattr(example, "cluster", lambda cores: nodes)
    monkeypatch.setattr(example.qhu, "run", mock.Mock())
    monkeypatch.setattr("sys.argv", ["slurm.py", "experiments/iris.yaml", "--jobs", "8"])
    example.main()
    nodes.scale.assert_called_once_with(jobs=8)
    example.qhu.run.assert_called_once_with(
        "experiments/iris.yaml", None, scheduler=nodes.scheduler_address
    )


@pytest.mark.slow
def test_a_study_runs_on_its_jobs(tiny, qhu, slurm, tmp_path, monkeypatch):
    qhu("run", tiny, "--out", "alone")
    (tmp_path / "runs").rename(tmp_path / "finished-runs")
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLE.parents[2]), prepend=os.pathsep)
    command = [sys.executable, EXAMPLE, tiny, "--jobs", "1", "--cores", "1", "--out", "worked"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "worked/report.html" in done.stdout
    assert (slurm / "cancelled").read_text() == (slurm / "pid").read_text()
    for name in ("results.csv", "summary.csv"):
        assert Path("worked", name).read_bytes() == Path("alone", name).read_bytes()
    assert not pd.read_csv("worked/summary.csv").empty
