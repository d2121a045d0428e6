"""A synthetic run folder with the shape and the size of figures of the Iris study."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from qhu import registry
from qhu.record.folder import SCHEMA
from qhu.record.references import resolve
from qhu.record.scores import Score
from qhu.report.run.page import write_report
from qhu.report.statistics import summarise
from qhu.report.styles import METHODS

# accuracy on retain, forget, test; KL to the oracle; attack AUC
SUBSET = {
    "none": (0.95, 0.96, 0.94, 0.05, 0.56),
    "retrain": (0.95, 0.93, 0.94, 0.0, 0.50),
    "floor": (0.95, 0.93, 0.94, 0.06, 0.50),
    "gradient_ascent": (0.62, 0.35, 0.60, 2.9, 0.14),
    "random_label": (0.93, 0.71, 0.92, 0.22, 0.21),
    "eu_k": (0.94, 0.93, 0.94, 0.05, 0.51),
}
CLASS = {
    "none": (0.95, 1.0, 0.94, 0.95, 0.53),
    "retrain": (0.97, 0.0, 0.63, 0.0, 0.50),
    "floor": (0.97, 0.0, 0.63, 0.12, 0.49),
    "finetune": (0.97, 0.72, 0.86, 0.61, 0.52),
    "cf_k": (0.96, 0.91, 0.92, 0.80, 0.52),
    "eu_k": (0.97, 0.0, 0.63, 0.14, 0.50),
    "gradient_ascent": (0.71, 0.0, 0.49, 1.4, 0.43),
}
CIRCUIT = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
     width="300pt" height="60pt" viewBox="0 0 300 60" onload="alert(1)">
 <metadata>http://example.org</metadata>
 <script>alert(2)</script>
 <style>* { fill: red }</style>
 <defs><path id="gate" d="M0 0h30v30h-30z"/><clipPath id="clip"><rect width="300" height="60"/>
 </clipPath></defs>
 <g clip-path="url(#clip)"><path d="M0 30h300" stroke="#000"/>
 <use xlink:href="#gate" x="20" y="15" style="fill: #fff; stroke: #000"/>
 <use xlink:href="http://example.org/x.svg#gate"/><text x="25" y="35">RX</text></g>
</svg>
"""


def _values(rng, means, oracle, n_forget, is_class):
    """One seed's metrics around the given means."""
    retain, forget, test, kl, auc = means
    spread = rng.normal(0, 0.015, 3)
    exact = forget in (0.0, 1.0)
    hits = forget if exact else rng.binomial(n_forget, forget) / n_forget
    auc = float(np.clip(rng.normal(auc, 0.07), 0, 1))
    values = {
        "acc_retain": (min(1.0, retain + spread[0]), 92),
        "acc_forget": (hits, n_forget),
        "acc_test": (min(1.0, test + spread[1]), 30),
        "delta_acc_forget": (hits - oracle[1], n_forget),
        "mia_forget": (auc, n_forget),
        "delta_mia_forget": (auc - oracle[4], n_forget),
        "uqi": (oracle[1] - hits, n_forget),
    }
    for subset, n in (("retain", 92), ("forget", n_forget), ("test", 30)):
        values[f"kl_{subset}"] = (kl * rng.lognormal(0, 0.3), n)
        values[f"agree_{subset}"] = (float(np.clip(1 - kl / 2 + spread[2], 0, 1)), n)
    if is_class:
        values["acc_test_kept"] = (min(1.0, retain - 0.01 + spread[1]), 20)
        values["acc_test_forgotten"] = (hits, 10)
    return values


def make_results(seeds=10):
    rng = np.random.default_rng(7)
    rows = []
    for scenario, table, n in (("subset", SUBSET, 10), ("class", CLASS, 34)):
        for method in ("none", "retrain", "floor", *METHODS):
            means = table.get(method, table["none"])
            for seed in range(seeds):
                found = _values(rng, means, table["retrain"], n, scenario == "class")
                rows += [
                    ("iris", scenario, method, seed, "fake_brisbane", metric, *value)
                    for metric, value in found.items()
                ]
    columns = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]
    return pd.DataFrame(rows, columns=columns)


def make_history(seeds=10):
    rng = np.random.default_rng(8)
    for stage, scenario in (("teacher", ""), ("oracle", "subset"), ("oracle", "class")):
        for seed in range(seeds):
            noise = rng.normal(0, 0.015, (60, 2)).cumsum(axis=0) * 0.2
            for epoch in range(60 - (seed % 3)):
                loss = 0.12 + np.exp(-epoch / 12) + noise[epoch]
                about = {"stage": stage, "scenario": scenario, "method": "", "seed": seed}
                yield {**about, "epoch": epoch, "loss": loss[0], "val_loss": loss[1] + 0.04}
    for seed in range(seeds):
        about = {"stage": "unlearn", "scenario": "subset", "method": "scrub_rewind", "seed": seed}
        yield {**about, "step": 1, "loss": 0.4}
        yield {**about, "steps": 40, "facts": {"rewound_to": 3 + seed % 4, "kept": True}}


RECORD = {
    "schema_version": SCHEMA,
    "status": "finished",
    "name": "iris",
    "backend": "fake_brisbane",
    "fingerprint": "3f2a9c0d11e7b845",
    "started": "2025-01-01T10:00:00+00:00",
    "finished": "2025-01-01T10:04:10+00:00",
    "environment": {"python": "3.11.9", "packages": {"qiskit": "2.2.0"}, "commit": None},
    "effective": {
        "train": {"precision": "exact", "dtype": "float32"},
        "evaluate": {"device": "fake_brisbane", "shots": None, "layout": [36, 37, 38, 39]},
    },
    "costs": {"stages computed": 370, "circuit executions": 0},
    "cites": {
        "method scrub": ["kurmanji2023unbounded"],
        "package qiskit": ["javadiabhari2024qiskit", "sahin2025qiskit"],
        "test Holm": ["holm1979simple"],
    },
}
SETTINGS = {
    "name": "iris",
    "data": {"source": "iris", "options": {}, "test": 0.2},
    "model": {
        "ansatz": {"name": "rotations_cz", "layers": 2},
        "head": {"name": "mlp", "hidden": [16]},
        "novelty": 0.75,
    },
    "training": {"epochs": 60, "batch_size": 32, "lr": 0.01, "patience": None},
    "scenarios": {
        "subset": {"fraction": 0.1, "ids": None, "label": None},
        "class": {"fraction": None, "ids": None, "label": 0},
    },
    "methods": {"none": {}, "scrub": {"alpha": 0.5}, "gentle": {"method": "scrub", "lr": None}},
    "seeds": list(range(10)),
    "stages": {"train": "statevector", "unlearn": "statevector", "evaluate": "fake_brisbane"},
}


def scores_of(results: pd.DataFrame) -> dict[str, Score]:
    """How the scores of results are read, as the metrics at hand declare it."""
    entries = [registry.metric[name] for name in registry.metric.names()]
    declared = (e.score(name) for name in results["metric"].unique() for e in entries)
    return {score.name: score for score in declared if score}


def write_record(folder: Path, results: pd.DataFrame, **changes: object) -> None:
    metrics = {name: score.model_dump() for name, score in scores_of(results).items()}
    record = {**RECORD, "metrics": metrics, **changes}
    (folder / "run.json").write_text(json.dumps(record))


def write_run(folder: Path, results: pd.DataFrame, seeds: int = 10, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder, results, **changes)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(SETTINGS))
    results.to_csv(folder / "results.csv", index=False)
    summarise(results, scores_of(results)).to_csv(folder / "summary.csv", index=False)
    lines = map(json.dumps, make_history(seeds))
    (folder / "history.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / "circuit.svg").write_text(CIRCUIT)
    keys = [key for keys in RECORD["cites"].values() for key in keys]
    (folder / "references.bib").write_text("\n".join(resolve(keys).values()))
    return folder


@pytest.fixture(scope="session")
def results():
    return make_results()


@pytest.fixture(scope="session", name="scores_of")
def _scores_of():
    return scores_of


@pytest.fixture(scope="session", name="write_record")
def _write_record():
    return write_record


@pytest.fixture(scope="session")
def scores(results):
    """How the scores of the synthetic results are read, by name."""
    return scores_of(results)


@pytest.fixture(scope="session", name="write_run")
def _write_run():
    return write_run


@pytest.fixture(scope="session")
def reported(tmp_path_factory, results):
    """A run folder with its report, to be read only."""
    folder = write_run(tmp_path_factory.mktemp("reported") / "run", results)
    write_report(folder)
    return folder


@pytest.fixture
def run_folder(tmp_path, results):
    return write_run(tmp_path / "run", results)


VOID = {"meta", "link", "wbr", "br", "path", "use", "rect"}


class Outline(HTMLParser):
    """Ids, addresses and tags of a page, links to cited papers apart; unbalanced tags fail."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses, self.tags, self.open, self.sources = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        found = [v for k, v in attrs if k in ("href", "src", "xlink:href", "action")]
        if tag == "a" and found[0].startswith(("https://doi.org/", "https://arxiv.org/")):
            self.sources += found
        else:
            self.addresses += found
        assert not any(name.startswith("on") for name in attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def outline():
    return Outline
