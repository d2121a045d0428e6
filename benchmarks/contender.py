"""The other end of :mod:`benchmarks.serve`: a contender's process."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.serve import MODULES

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".bench/venv/bin/python"
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**28), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
"""Memory is kept between steps. By default that depends on what a process allocated before, and a
training step that must fetch its memory anew takes a quarter longer."""
ANSWER_SECONDS, CLOSE_SECONDS = 600.0, 10.0
"""So long a contender may take for an answer, the slowest takes a minute; and to end."""
IN_PEERS = ("pennylane_peers", "tensorcircuit_peer")


class ContenderFailed(Exception):
    """A contender cannot be compared; the message says why."""


class Contender:
    """A process that prepares problems and times itself.

    Args:
        name: one of :data:`benchmarks.serve.MODULES`.
        threads: threads and cores that it may use.

    Raises:
        ContenderFailed: its environment is missing.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        python = PEERS if MODULES[name] in IN_PEERS else Path(sys.executable)
        if not python.exists():
            raise ContenderFailed("the peers' environment is not installed: run `make bench`")
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.serve", name, str(threads)],
            cwd=ROOT,
            env={**os.environ, **limits(threads), **ALLOCATOR},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )

    def prepare(self, problem: dict[str, Any]) -> list[Any]:
        """Set the problem; returns outputs and gradients.

        Raises:
            ContenderFailed: it cannot solve it, ends, or gives no answer in time.
        """
        return self._ask({"problem": problem})["values"]

    def time(self, repeat: int) -> list[float]:
        """Milliseconds of each of ``repeat`` steps; raises as :meth:`prepare`."""
        return self._ask({"repeat": repeat})["times"]

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        begun = time.monotonic()  # before the timer's own clock: what it ends has taken that long
        overdue = threading.Timer(ANSWER_SECONDS, self._process.kill)
        overdue.start()
        try:
            with suppress(BrokenPipeError):  # it has ended: there is no answer to read either
                self._process.stdin.write(json.dumps(question) + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            overdue.cancel()
        if time.monotonic() - begun >= ANSWER_SECONDS:
            raise ContenderFailed(f"no answer within {ANSWER_SECONDS:g} seconds")
        if not line:
            raise ContenderFailed(self._last_words())
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise ContenderFailed(answer["failed"])
        return answer

    def _last_words(self) -> str:
        """Why a process ended that gave no reason: the signal, or the last line of its errors."""
        status = self._process.wait()
        if status < 0:
            return f"ended by signal {signal.Signals(-status).name}"
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1] if lines else f"ended with status {status}"


def limits(threads: int) -> dict[str, str]:
    """Environment that holds every library to so many threads."""
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    return {
        **{f"{pool}_NUM_THREADS": str(threads) for pool in pools},
        "NPROC": str(threads),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
        "JAX_PLATFORMS": "cpu",
    }
