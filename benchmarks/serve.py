"""One contender in a process of its own: problems in, values and times out, as JSON lines.

Run as ``python -m benchmarks.serve CONTENDER THREADS`` in the environment that the contender is
installed in. ``{"problem": …}`` is answered by ``{"values": …}``, the arrays that contenders must
agree on; ``{"repeat": k}`` by ``{"times": …}``, k times of a step in milliseconds; what fails by
``{"failed": …}``, the reason in a line.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Problem = dict[str, Any]
"""Arrays and settings; ``kind`` says which of the contender's steps solves it."""
Step = Callable[[], Sequence[Any]]
"""One unit of work: returns what it computed."""

MODULES = {
    "qhu": "ours",
    "classical-twin": "ours",
    "estimator-qnn": "stock",
    "aer-merged": "stock",
    "pennylane-broadcast": "pennylane_peers",
    "lightning": "pennylane_peers",
    "tensorcircuit-ng": "tensorcircuit_peer",
    "dense": "dense",
}
"""The file of each contender and reference; its ``STEPS`` maps kind and name to a step's maker."""


def main(contender: str, threads: int) -> None:
    """Answer questions on standard input until it ends."""
    pin(threads)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    serving = _Serving(contender)
    for line in sys.stdin:
        try:
            answer = serving.answer(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            reason = str(error).strip().partition("\n")[0]
            answer = {"failed": f"{type(error).__name__}: {reason}"}
        print(json.dumps(answer), file=answers, flush=True)


class _Serving:
    """A contender and the step that it prepared last."""

    def __init__(self, contender: str) -> None:
        self.contender = contender
        self.step: Step | None = None

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "problem" in asked:
            problem = {k: _array(v) for k, v in asked["problem"].items()}
            steps = importlib.import_module(f"benchmarks.{MODULES[self.contender]}").STEPS
            self.step = steps[problem["kind"], self.contender](problem)
            return {"values": [np.asarray(v, dtype=float).tolist() for v in self.step()]}
        assert self.step is not None, "a problem comes first"
        return {"times": [_milliseconds(self.step) for _ in range(asked["repeat"])]}


def pin(threads: int) -> None:
    """Keep to the first cores and to as many threads; before any library starts its own."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(threads)


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value


def _milliseconds(step: Step) -> float:
    begun = time.perf_counter()
    step()
    return 1e3 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
