"""One contender in a process of its own: problems in, values and times out, as JSON lines.

Run as ``python -m benchmarks.serve CONTENDER THREADS`` in the environment that the contender is
installed in. ``{"problem": …}`` is answered by ``{"values": …}``, the arrays that contenders must
agree on; ``{"repeat": k}`` by ``{"times": …}``, k times of a step in milliseconds.
"""

import importlib
import json
import os
import sys
import time
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
}
"""The file of each contender; its ``STEPS`` maps kind and contender to a maker of steps."""


def main(contender: str, threads: int) -> None:
    """Answer questions on standard input until it ends."""
    pin(threads)
    steps = importlib.import_module(f"benchmarks.{MODULES[contender]}").STEPS
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    step: Step | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "problem" in asked:
            problem = {k: _array(v) for k, v in asked["problem"].items()}
            step = steps[problem["kind"], contender](problem)
            answer = {"values": [np.asarray(v, dtype=float).tolist() for v in step()]}
        else:
            assert step is not None, "a problem comes first"
            answer = {"times": [_milliseconds(step) for _ in range(asked["repeat"])]}
        print(json.dumps(answer), file=answers, flush=True)


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
