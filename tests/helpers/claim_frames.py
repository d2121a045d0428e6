"""Frames as claims read them, with values that are planted."""

import numpy as np
import pandas as pd

from qhu.settings.experiment import load_experiment
from qhu.settings.shipped import experiments
from qhu.settings.sweep import load_sweep

METHODS = [
    *("gradient_ascent", "fisher_forgetting", "neggrad_plus", "cf_k", "eu_k", "scrub"),
    *("scrub_rewind", "noisy_finetune", "qmul", "lca", "adv_uniform"),
]
RELEASED = [
    *("GA", "Fisher", "NegGradPlus", "CF-k1", "EU-k1", "SCRUB"),
    *("SCRUB(+R)", "Certified", "Q-MUL", "LCA", "ADV-UNIFORM"),
]
HONEST = ["none", "retrain", "floor"]
SCORES = ["acc_test", "acc_retain", "acc_forget", "agree_test", "agree_forget", "kl_forget"]


def points(name):
    """Points of a shipped sweep."""
    return load_sweep(experiments()[name])[0].labels


def asked(name):
    """Methods of a shipped experiment."""
    return load_experiment(experiments()[name]).methods


def runs(value, seeds, at=("",), scenarios=("subset", "class"), methods=METHODS, noise=0.01):
    """Rows of runs; ``value(metric, method, point number, scenario)`` is the mean."""
    cells = [
        (place, scenario, method, metric, value(metric, method, number, scenario))
        for number, place in enumerate(at)
        for scenario in scenarios
        for method in [*HONEST, *methods]
        for metric in SCORES
    ]
    frame = pd.DataFrame(cells, columns=["at", "scenario", "method", "metric", "value"])
    frame = frame.loc[frame.index.repeat(seeds)].reset_index(drop=True)
    drawn = np.random.default_rng(0)
    shaken = frame["value"] + drawn.normal(0, noise, len(frame))
    return frame.assign(value=shaken, seed=np.tile(np.arange(seeds), len(cells)))


def memory(value, pairs, at, noise=0.02):
    """Rows of pools; ``value(rows, point number)`` is the mean."""
    drawn = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "rows": rows,
                "pair": range(pairs),
                "value": value(rows, number) + drawn.normal(0, noise, pairs),
                "at": place,
            }
        )
        for number, place in enumerate(at)
        for rows in ("all", "mislabelled")
    ]
    return pd.concat(parts, ignore_index=True)


def leaks(leakage, confidence, utility, pairs, noise=0.002, resamples=1000):
    """Rows of a pool that unlearns: measures by method, their resamples around them."""
    drawn = np.random.default_rng(0)
    parts = []
    for scenario in ("subset", "class"):
        for method in ["none", "retrain", *METHODS]:
            columns = {
                name: values[method] + np.r_[0, drawn.normal(0, noise, resamples)]
                for name, values in (
                    ("leakage", leakage),
                    ("confidence", confidence),
                    ("utility", utility),
                )
            }
            numbers = np.arange(resamples + 1) - 1
            about = {"scenario": scenario, "method": method, "resample": numbers, "pairs": pairs}
            parts.append(pd.DataFrame({**about, **columns}))
    return pd.concat(parts, ignore_index=True)


def costs(share, seeds):
    """Rows of costs; ``share(method)`` of what training again takes."""
    drawn = np.random.default_rng(0)
    rows = []
    for method in ["retrain", *METHODS]:
        by = 1.0 if method == "retrain" else share(method)
        for seed in range(seeds):
            seconds, circuits = by * (1 + drawn.normal(0, 0.01)), None if seed else 10_000 * by
            rows.append((method, seed, 240 * by, seconds, circuits))
    frame = pd.DataFrame(rows, columns=["method", "seed", "steps", "seconds", "circuits"])
    return frame.astype({"circuits": "float64"})
