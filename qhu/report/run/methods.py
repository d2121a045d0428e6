"""The paragraph on methods for a paper: every setting and version, from the record alone.

Sentences name the settings they tell, as do those of :mod:`qhu.report.design`; a setting that no
sentence names is told at the end, so that none is left out. Citations are written ``[@key; @key]``
until they become those of a format.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape
from pylatexenc.latexencode import unicode_to_latex

from qhu.report.design import applied, by_topic, design
from qhu.report.facts import flatten, ranges, scenarios
from qhu.report.frames import RunFiles
from qhu.report.statistics import MIN_SEEDS

CITATION = re.compile(r"\[@([\w:./+-]+(?:; @[\w:./+-]+)*)\]")
DATA = ("The study {name} used the dataset {data.source}.", "It was read as {description}.")
SCENARIOS = ("Scenarios: {scenarios}.",)
NETWORK = (
    "The hybrid network has a front ({model.front.name}), a circuit of its own "
    "({model.circuit.path}, content {model.circuit.content}) with the observables "
    "{model.observables.name}, and a head ({model.head.name}); quantum layer: {model.quantum}.",
    "The hybrid network has a front ({model.front.name}), a circuit of its own "
    "({model.circuit.function}, content {model.circuit.content}) with the observables "
    "{model.observables.name}, and a head ({model.head.name}); quantum layer: {model.quantum}.",
    "The hybrid network has a front ({model.front.name}), a circuit on {model.qubits} with the "
    "encoding {model.encoding.name}, the ansatz {model.ansatz.name} and the observables "
    "{model.observables.name}, and a head ({model.head.name}); quantum layer: {model.quantum}.",
    "Features are encoded by rotations of {model.encoding.angle} per unit.",
    "Features are encoded {model.encoding.reupload}.",
    "The ansatz has {model.ansatz.layers} variational layers.",
    "The ansatz repeats its block {model.ansatz.reps} times.",
    "Entanglement: {model.ansatz.entanglement}.",
    "Hidden widths of the head: {model.head.hidden}; batch norm: {model.head.batch_norm}; dropout: "
    "{model.head.dropout}.",
)
TRAINING = (
    "Teacher and oracles were trained with {Adam} on the mean cross-entropy, {training.batch_size} "
    "rows per step, at learning rate {training.lr}.",
)
UNLEARNING = (
    "Methods took {unlearning.batch_size} rows per step, at learning rate {unlearning.lr} in scope "
    "{unlearning.scope}.",
    "Methods: {methods}.",
)
STATISTICS = (
    "Values are means over the seeds {seeds} with 95 % t-intervals, taken in log-odds where scores "
    "have two ends and in logarithms where they only begin at 0; differences have the intervals of "
    "their tests, at the level of the correction.",
    "Methods are compared with the oracle, the floor or doing nothing within each seed "
    "by a two-sided paired t-test (where values tie, with the variance of rounding added), "
    "corrected over all comparisons by {Holm}; differences of fewer than {least} seeds, or the "
    "same in every seed, are not tested.",
    "Metrics: {metrics}.",
)
WORDS = {
    ("model.front.name", "cnn"): "two convolutions and a linear layer",
    ("model.qubits", "not set"): "as many qubits as the features need",
    ("model.encoding.reupload", "no"): "once",
    ("model.encoding.reupload", "yes"): "before every layer",
}
"""Values that read better in other words."""
COUNTS = {"model.qubits": "qubits"}


def as_markdown(run: RunFiles) -> str:
    """Paragraphs with citations in Pandoc's notation."""
    return "\n".join(f"**{title}.** {text}\n" for title, text in _paragraphs(run))


def as_latex(run: RunFiles) -> str:
    r"""Paragraphs with ``\cite``, to go with ``references.bib``."""
    paragraphs = _paragraphs(run)
    return "\n".join(f"\\paragraph{{{title}.}} {_latex(text)}\n" for title, text in paragraphs)


def as_html(run: RunFiles, references: Sequence[str]) -> list[tuple[str, Markup]]:
    """Titles and paragraphs, citations as numbers.

    Args:
        run: what is told.
        references: keys in the order of their numbers, from 1.
    """

    def link(citation: re.Match[str]) -> str:
        keys = [key.strip(" @") for key in citation[1].split(";")]
        if not set(keys) <= set(references):
            return citation[0]
        links = (f'<a href="#ref-{key}">{references.index(key) + 1}</a>' for key in keys)
        return f"[{', '.join(links)}]"

    paragraphs = _paragraphs(run)
    return [(title, Markup(CITATION.sub(link, str(escape(text))))) for title, text in paragraphs]


def _latex(text: str) -> str:
    """Text is encoded, citation keys are not."""
    parts = CITATION.split(text)  # text, keys, text, keys, …
    parts[::2] = map(unicode_to_latex, parts[::2])
    parts[1::2] = [f"\\cite{{{keys.replace('; @', ',')}}}" for keys in parts[1::2]]
    return "".join(parts)


def _paragraphs(run: RunFiles) -> list[tuple[str, str]]:
    """Titles and texts; what a sentence has told is taken from ``left``."""
    nested = ("scenarios", "methods", "checkpoints", "metrics", "stages", "seeds", "tuned")
    settings = applied(run.settings)
    left = dict(flatten({part: value for part, value in settings.items() if part not in nested}))
    for setting in _unused(left):
        del left[setting]
    words = {
        "Adam": f"Adam{_cite(run, 'optimiser Adam')}",
        "Holm": f"Holm{_cite(run, 'test Holm')}",
        "least": str(MIN_SEEDS),
        "seeds": ranges(sorted(set(run.results["seed"]))),
        "scenarios": _scenarios(run),
        "methods": _methods(run),
        "metrics": _metrics(run),
    }
    if run.record.description:
        words["description"] = next(run.record.description.lines()).removeprefix("data: ")
    for setting in [name for name in left if name == "data.source" or name.endswith(".name")]:
        kind = "dataset" if setting == "data.source" else setting.split(".")[-2]
        left[setting] = _worded(setting, left[setting]) + _cite(run, f"{kind} {left[setting]}")

    statements = design(run.settings)
    topics = by_topic(statements)
    for statement in statements:
        for setting in statement.settings:
            left.pop(setting, None)

    def filled(sentences: Sequence[str]) -> list[str]:
        return list(filter(None, (_fill(sentence, left, words) for sentence in sentences)))

    training = [*filled(TRAINING), *topics["training"], *topics["selection"], *topics["budget"]]
    paragraphs = {
        "Data": [*filled(DATA), *topics["rows"], *filled(SCENARIOS)],
        "Network": filled(NETWORK),
        "Training and unlearning": [*training, *filled(UNLEARNING)],
        "Evaluation": [*topics["seeds"], *filled(STATISTICS), *topics["intervals"]],
        "Backends and software": [_backends(run), _software(run)],
        "Further settings": [],
    }
    if left:
        paragraphs["Further settings"] = [f"{_listed(left.items())}."]
    texts = {title: " ".join(filter(None, text)) for title, text in paragraphs.items()}
    return [(title, text) for title, text in texts.items() if text]


def _unused(left: Mapping[str, str]) -> list[str]:
    """Settings of parts in whose place a whole circuit stands, or of none."""
    if left.get("model.circuit") == "not set":
        return ["model.circuit"]
    replaced = ["model.ansatz."] if "model.circuit.name" in left else []
    if left.get("model.circuit.inputs", "none") != "none":
        replaced.append("model.encoding.")
    return [setting for setting in left if setting.startswith(tuple(replaced))]


def _fill(sentence: str, left: dict[str, str], words: Mapping[str, str]) -> str:
    """The sentence with its settings, taken from ``left``; empty if one of them is not there."""
    keys = re.findall(r"\{([\w.]+)\}", sentence)
    if not set(keys) <= {*left, *words}:
        return ""
    values = {key: _worded(key, left.pop(key)) if key in left else words[key] for key in keys}
    return re.sub(r"\{([\w.]+)\}", lambda place: values[place[1]], sentence)


def _worded(key: str, value: str) -> str:
    counted = f"{value} {COUNTS[key]}" if key in COUNTS else value
    return WORDS.get((key, value), counted)


def _cite(run: RunFiles, use: str) -> str:
    keys = run.record.cites.get(use, [])
    return f" [{'; '.join(f'@{key}' for key in keys)}]" if keys else ""


def _scenarios(run: RunFiles) -> str:
    """What each forgets, with what is to be cited for how it is chosen."""
    words = scenarios(run.settings, run.record)
    for name, asked in run.settings.get("scenarios", {}).items():
        words[name] += "".join(_cite(run, f"scenario {kind}") for kind in asked)
    return _listed(words.items())


def _listed(pairs: Any) -> str:
    return "; ".join(f"{key}: {value}" for key, value in pairs)


def _methods(run: RunFiles) -> str:
    """Every method with its options; those that are not set are the common ones."""
    described = []
    for label, given in run.settings.get("methods", {}).items():
        options = [
            f"{option} {value}"
            for option, value in flatten(given)
            if value != "not set" and option != "method"
        ]
        name = given.get("method", label)
        cited = f"{label if label == name else f'{label} ({name})'}{_cite(run, f'method {name}')}"
        described.append(f"{cited} ({', '.join(options)})" if options else cited)
    elsewhere = "unlearned elsewhere; run.json names the files"
    described += [f"{label} ({elsewhere})" for label in run.settings.get("checkpoints", ())]
    return "; ".join(described)


def _metrics(run: RunFiles) -> str:
    metrics = dict.fromkeys(score.metric for score in run.scores.values())
    return ", ".join(f"{name}{_cite(run, f'metric {name}')}" for name in metrics)


def _backends(run: RunFiles) -> str:
    """Stages on the same backend are told together."""
    stages: dict[str, list[str]] = {}
    for stage, name in run.settings.get("stages", {}).items():
        options = run.record.effective.get(stage, {})
        emulated = "EMULATED " if options.get("emulated") else ""
        cited = emulated + name + _cite(run, f"backend {options.get('kind')}")
        described = f"{cited} ({_listed(flatten(options))})" if options else cited
        stages.setdefault(described, []).append(stage)
    return " ".join(
        f"The {'stages' if len(names) > 1 else 'stage'} {' and '.join(names)} ran on {described}."
        for described, names in stages.items()
    )


def _software(run: RunFiles) -> str:
    versions = []
    for key, value in flatten(run.record.environment):
        name = key.removeprefix("packages.")
        versions.append(f"{name} {value}{_cite(run, f'package {name}')}")
    return f"Software: {', '.join(versions)}."
