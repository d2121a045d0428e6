"""Folders of studies of evidence, drawn at random, with the columns and sizes of real ones."""

import json

import numpy as np
import pandas as pd

METHODS = [
    *("finetune", "random_label", "gradient_ascent", "neggrad_plus", "fisher_forgetting"),
    *("ewc_ascent", "cf_k", "eu_k", "scrub", "scrub_rewind", "noisy_finetune", "qmul", "lca"),
    *("adv_uniform", "ssd", "salun", "bad_teacher", "influence_step", "qfi_dampening"),
    *("null_space_ascent", "natural_gradient_ascent", "dew_prune", "noise_unlearning"),
]
LEAK = [0.505, 0.52, 0.71, 0.64, 0.515, 0.58, 0.66, 0.498, 0.53, 0.55, 0.49, 0.502, 0.545]
ATTACKS = ("confidence", "loss", "entropy", "modified_entropy", "lira", "lira_offline", "rmia")
CONDITIONS = ("exact", "1,024 shots", "device noise", "relearned 1 epoch")
EXAMINED = {
    "ulira": 0.97,
    "lira": 0.93,
    "rmia": 0.9,
    "klom_median": 0.88,
    "loss": 0.74,
    "confidence": 0.72,
    "acc_forget": 0.55,
    "entropy": 0.51,
}
RUN = {
    "pool": 2048,
    "seconds": 1043.2,
    "primary": "ulira",
    "margin": 0.05,
    "utility_margin": 0.02,
    "level": 0.05,
    "correction": "Holm over the methods of the page",
    "unit": "a pair of models: a random half of the training rows and its complement",
    "power": [
        {"models": 512, "rows": 10, "error": 0.011, "smallest_effect": 0.0412},
        {"models": 2048, "rows": 10, "error": 0.005, "smallest_effect": 0.0203},
    ],
    "files": {"evidence.csv": "0" * 64},
}


def evidence_of(rng, scenario, methods, leaks, requests=0, rows=20_480):
    """Rows of ``evidence.csv`` of a scenario."""
    lines = []

    def add(method, attack, tier, metric, value, half, n=rows):
        low, high = (value - half, value + half)
        lines.append((scenario, method, attack, tier, metric, value, low, high, n))

    for method, leak in zip(methods, leaks, strict=True):
        half = 0.012 + 0.05 * rng.random() ** 3
        add(method, "ulira", "forget", "auc", leak, half)
        add(method, "ulira", "forget", "auc_membership", 0.5 + (leak - 0.5) / 2, half)
        add(method, "utility", "forget", "margin_membership", 4 * (leak - 0.5), half)
        add(method, "utility", "forget", "delta_margin", 5 * (leak - 0.5), half)
        for attack in ATTACKS:
            share = rng.uniform(0.1, 0.9)
            add(method, attack, "forget", "auc", 0.5 + (leak - 0.5) * share, half)
        for attack in ("ulira", "lira", "rmia"):
            for metric, rate in (("tpr_at_1", 0.01), ("tpr_at_01", 0.001)):
                value = rate * np.exp(8 * (leak - 0.5))
                add(method, attack, "forget", metric, value, rate / 3)
        for tier, factor in (("easy", 0.3), ("medium", 0.9), ("hard", 1.7), ("retain", 0.1)):
            base = 0.62 if tier == "retain" else 0.5
            add(method, "ulira", tier, "auc", min(1, base + (leak - 0.5) * factor), half * 1.7)
        add(method, "distribution", "forget", "klom_median", abs(leak - 0.5) * 9 + 0.02, 0.01)
        add(method, "distribution", "forget", "klom_floor", 0.021, 0.004)
        add(method, "distribution", "forget", "forgetting_quality", 0.8 - abs(leak - 0.5), 0.06)
        add(method, "distribution", "forget", "tow", 0.99 - abs(leak - 0.5), 0.01)
        add(method, "distribution", "forget", "ain", 1 - abs(leak - 0.5), 0.1)
        add(method, "utility", "test", "acc_test", 0.94 - abs(leak - 0.5) / 2, 0.006, 1024)
        add(method, "utility", "test", "delta_acc_test", -abs(leak - 0.5) / 2, 0.004, 1024)
        add(method, "bound", "forget", "helstrom", 0.6 + (leak - 0.5), 0.01, 1024)
        add(method, "relearning", "forget", "steps_to_return", 12 - 20 * abs(leak - 0.5), 1.1, 1024)
        for k in range(1, requests + 1):
            value = 0.5 + (leak - 0.5) * (0.5 + 0.2 * k) + rng.normal(0, 0.004)
            add(method, "ulira", f"request {k}", "auc", min(value, 1), half)
    return lines


COLUMNS = ["scenario", "method", "attack", "tier", "metric", "value", "ci_low", "ci_high", "n"]


def verdict(leak, half, margin=0.05):
    """What the interval of a leakage says."""
    if abs(leak - 0.5) + half < margin:
        return "indistinguishable"
    if 0.56 < leak < 0.58:
        return "forgot"
    if abs(leak - 0.5) > 1.5 * half:
        return "over-forgot" if leak < 0.5 or 0.53 < leak < 0.56 else "did not forget"
    return "cannot tell"


def make_study(folder, scenarios=4, methods=METHODS, requests=5, run=RUN):
    """A folder with the four files; ``methods`` beside none and retrain."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["none", "retrain", *methods]
    lines, verdicts = [], []
    for scenario in ("random", "memorised", "cluster", "sequential")[:scenarios]:
        factor = rng.uniform(0.6, 1.4)
        leaks = [0.5 + factor * (leak - 0.5) for leak in np.resize(LEAK, len(methods))]
        leaks = [0.86, 0.501, *(np.array(leaks) + rng.normal(0, 0.01, len(leaks)))]
        own = evidence_of(rng, scenario, names, leaks, requests * (scenario == "sequential"))
        lines += own
        frame = pd.DataFrame(own, columns=COLUMNS)
        primary = frame[(frame["attack"] == "ulira") & (frame["tier"] == "forget")]
        primary = primary[primary["metric"] == "auc"].set_index("method")
        for name, leak in zip(names, leaks, strict=True):
            half = primary["ci_high"][name] - leak
            steps = {"none": 0, "retrain": 360}.get(name, 40 + 10 * (len(name) % 4))
            row = (scenario, name, verdict(leak, half), leak, -abs(leak - 0.5) / 2, steps)
            verdicts.append((*row, 1.45 * half))
    pd.DataFrame(lines, columns=COLUMNS).to_csv(folder / "evidence.csv", index=False)
    heads = ["scenario", "method", "verdict", "leakage", "utility", "cost_steps"]
    frame = pd.DataFrame(verdicts, columns=[*heads, "smallest_effect"])
    frame.to_csv(folder / "verdicts.csv", index=False)
    examined = [
        (
            metric,
            condition,
            auc - 0.03 * place,
            auc - 0.03 * place - 0.05,
            auc - 0.03 * place + 0.03,
        )
        for metric, auc in EXAMINED.items()
        for place, condition in enumerate(CONDITIONS)
    ]
    heads = ["metric", "condition", "auc", "ci_low", "ci_high"]
    pd.DataFrame(examined, columns=heads).to_csv(folder / "metrics.csv", index=False)
    (folder / "run.json").write_text(json.dumps(run))
    return folder
