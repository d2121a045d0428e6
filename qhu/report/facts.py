"""What the page tells of a run beside its numbers: head, settings, scenarios, methods' reports."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from qhu.record.description import in_requests
from qhu.record.folder import RunRecord
from qhu.record.scores import ROWS, Score
from qhu.report.answer import in_seconds
from qhu.report.frames import ABOUT, TOOK, RunFiles
from qhu.report.styles import REFERENCE_METHODS
from qhu.settings.dotted import leaves

Pairs = list[tuple[str, str]]
BULKY = "placement"
"""What a device's record holds to be computed with, not to be read."""


def flatten(settings: Mapping[str, Any]) -> Pairs:
    """Nested settings as dotted keys and text."""
    return [
        (".".join(path), "defaults" if isinstance(value, Mapping) else as_text(value))
        for path, value in leaves(settings)
        if BULKY not in path
    ]


def settings(asked: Mapping[str, Any], effective: Mapping[str, Mapping[str, Any]]) -> Pairs:
    """Settings of an experiment; a stage on an emulated device says so."""
    emulated = {
        f"stages.{stage}" for stage, options in effective.items() if options.get("emulated")
    }
    return [
        (name, f"EMULATED {text}" if name in emulated else text) for name, text in flatten(asked)
    ]


def as_text(value: Any) -> str:
    """A setting's value."""
    if isinstance(value, list):
        return ", ".join(map(as_text, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "yes", False: "no"}[value]
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def key_facts(run: RunFiles) -> Pairs:
    """What the page's head says of the run."""
    results, record = run.results, run.record
    seeds = sorted(results["seed"].unique())
    methods = results["method"].unique()
    tried = [method for method in methods if method not in REFERENCE_METHODS]
    read = record.description
    data = [("data", read.size), ("classes", read.counted)] if read else []
    return [
        ("dataset", ", ".join(results["dataset"].unique())),
        *data,
        ("evaluated on", record.backend),
        ("scenarios", ", ".join(results["scenario"].unique())),
        ("methods", f"{len(tried)}, beside none, retrain and floor"),
        ("seeds", f"{len(seeds)} ({ranges(seeds)})"),
        ("started", _time(record.started)),
        ("ended", _time(record.finished) if record.finished else "not yet"),
        ("fingerprint", record.fingerprint),
    ]


def stages(settings: Mapping[str, Any], record: RunRecord) -> str:
    """Where models were made, in a sentence; empty where that is where they were evaluated.

    Args:
        settings: contents of ``experiment.yaml``.
        record: contents of ``run.json``.
    """
    made = {stage: settings.get("stages", {}).get(stage) for stage in ("train", "unlearn")}
    asked = settings.get("stages", {}).get("evaluate")
    if set(made.values()) == {asked}:
        return ""
    where = {
        stage: f"exactly ({name})" if record.effective.get(stage, {}).get("exact") else f"on {name}"
        for stage, name in made.items()
    }
    words = f"trained {where['train']} and unlearned {where['unlearn']}"
    if where["train"] == where["unlearn"]:
        words = f"trained and unlearned {where['train']}"
    return f"Models were {words}; only their evaluation ran on {record.backend}."


def ranges(numbers: Sequence[int]) -> str:
    """Sorted numbers, consecutive ones as ``first–last``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _time(iso: str) -> str:
    return iso.replace("T", " ").replace("+00:00", " UTC")


DRAWN = {
    "seeded": "drawn anew per seed",
    "released": "those released with arXiv 2512.19253, the same for every seed",
}
"""How a random share is drawn, by ``data.split``."""


def scenarios(settings: Mapping[str, Any], record: RunRecord | None = None) -> dict[str, str]:
    """What each scenario forgets, in words.

    Args:
        settings: contents of ``experiment.yaml``.
        record: contents of ``run.json``, which says what the classes are called.
    """
    words = dict[str, str]()
    description = record.description if record else None
    forgotten = description.scenarios if description else {}
    split = settings.get("data", {}).get("split", "seeded")
    for name, scenario in settings.get("scenarios", {}).items():
        if scenario.get("label") is not None:
            label = scenario["label"]
            if name in forgotten:
                label = f"{forgotten[name].label} ({forgotten[name].size})"
            words[name] = f"forget the whole class {label}"
        elif scenario.get("fraction") is not None:
            share = f"{100 * scenario['fraction']:.3g} %"
            words[name] = f"forget a random {share} of the training rows, {DRAWN[split]}"
        elif scenario.get("mislabelled"):
            words[name] = "forget the training rows that were given a wrong label"
        elif scenario.get("ids"):
            words[name] = f"forget {len(scenario['ids'])} chosen rows"
        else:
            kind = next((kind for kind, asked in scenario.items() if asked), "")
            chosen_by = forgotten[name].chosen if name in forgotten else kind
            words[name] = f"forget {chosen_by}"
        words[name] += in_requests(scenario.get("requests"))
    return words


def columns(scores: Iterable[Score]) -> Pairs:
    """What the names of scores mean: by name without the subset, then the subsets."""
    scores = list(scores)
    goals = {
        "retrain": "the oracle's value",
        "floor": "no farther from the oracle than the floor",
        0: "0",
        None: "none that this run knows",
    }
    stems = {score.stem: f"{score.explained} Goal: {goals[score.against]}." for score in scores}
    present = {score.rows for score in scores}
    return [*stems.items(), *((f"_{rows}", ROWS[rows]) for rows in ROWS if rows in present)]


def circuit_words(model: Mapping[str, Any]) -> str:
    """What the drawn circuit is, from the settings of the model."""
    if model.get("quantum") is False:
        return "Left out of this network, the classical twin: the circuit in whose place it stands."
    if model.get("encoding", {}).get("reupload"):
        return "The quantum layer: encoding of the features before every trainable layer."
    return "The quantum layer: encoding of the features, then the trainable layers."


def reported(facts: pd.DataFrame) -> dict[tuple[str, str, str], list[str]]:
    """Method, steps taken and facts that it reported over the seeds, to the scenarios alike.

    Each scenario stands with the mean seconds that a model took in it, where they were recorded.
    """
    named = [name for name in facts.columns if name not in (*ABOUT, *TOOK)]
    lines: dict[tuple[str, str, str], list[str]] = {}
    for (scenario, method), rows in facts.groupby(["scenario", "method"], sort=False):
        texts = [f"{name}: {_over_seeds(rows[name])}" for name in named if rows[name].notna().any()]
        line = (str(method), _over_seeds(rows["steps"]), "; ".join(texts))
        seconds = in_seconds(float(rows["seconds"].mean()))
        lines.setdefault(line, []).append(f"{scenario} ({seconds})" if seconds else str(scenario))
    return lines


def _over_seeds(values: pd.Series) -> str:
    """One value where all seeds agree, the range of numbers, else every distinct value."""
    distinct = list(dict.fromkeys(map(as_text, values.dropna().tolist())))
    if not distinct:
        return "–"
    if len(distinct) == 1:
        return distinct[0]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return f"{as_text(float(values.min()))} to {as_text(float(values.max()))}"
    return ", ".join(distinct)
