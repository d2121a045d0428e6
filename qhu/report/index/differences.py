"""In which settings a run differs from what ships under its name, and from others of that name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qhu.errors import UserError
from qhu.record.shelf import ShelvedRun
from qhu.registry import parse
from qhu.settings.dotted import leaves
from qhu.settings.experiment import ALWAYS_RUN, Experiment, parse_seeds, read_settings
from qhu.settings.model import ModelSpec
from qhu.settings.shipped import experiments

Flat = dict[str, str]
LABELLED = ("methods", "scenarios")
"""Sections whose keys are labels: which there are is one difference, not one per option."""
SHOWN_ALREADY = ("name", "stages.evaluate")
MOST_LABELS = 4


def differences(runs: Sequence[ShelvedRun]) -> dict[Path, Flat]:
    """By folder, the settings that set a run apart, by dotted name.

    A run differs from the shipped experiment of its name in what that one asks otherwise, and from
    the runs of its name in what fewer than half of them ask.
    """
    by_name: dict[str, dict[Path, Flat]] = defaultdict(dict)
    for run in runs:
        by_name[run.name][run.path] = flat(run.settings())
    shipped = _shipped(by_name)
    apart = dict[Path, Flat]()
    for name, alike in by_name.items():
        usual = {**_commonest(alike.values()), **shipped.get(name, {})}
        for path, settings in alike.items():
            apart[path] = {
                key: value
                for key, value in settings.items()
                if usual.get(key, value) != value and key not in SHOWN_ALREADY
            }
    return apart


def flat(settings: Mapping[str, Any]) -> Flat:
    """Settings by dotted name, their values as short text; what is not set is left out."""
    lines: Flat = {}
    for section, content in settings.items():
        if section in LABELLED and isinstance(content, Mapping):
            lines[section] = _labels(content)
        for path, value in leaves({section: content}):
            if value is not None and not isinstance(value, Mapping):
                lines[".".join(path)] = _ranges(value) if path == ("seeds",) else _text(value)
    return lines


def _commonest(family: Iterable[Flat]) -> Flat:
    """By setting the value of more than half of those that have it; none where there is no such."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    for settings in family:
        for key, value in settings.items():
            values[key][value] += 1
    usual: Flat = {}
    for key, counts in values.items():
        value, count = counts.most_common(1)[0]
        if len(counts) > 1:
            usual[key] = value if 2 * count > counts.total() else ""
    return usual


def _shipped(names: Iterable[str]) -> dict[str, Flat]:
    """What ships under some names, with the defaults of what is not in the files, by name."""
    files, chosen = experiments(), dict[str, Flat]()
    for name in names:
        if name not in files:
            continue
        try:
            given = read_settings(files[name])
            if "sweep" not in given:
                chosen[name] = {**_defaults(), **flat(_as_resolved(given))}
        except UserError:  # a clone's own, being edited
            continue
    return chosen


def _as_resolved(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a file with labels, seeds and parts of the model as a run writes them."""
    settings = dict(given)
    model: ModelSpec = parse(ModelSpec, settings.get("model", {}), "model")
    settings["model"] = model.model_dump(mode="json")
    methods = settings.get("methods", {})
    options = methods if isinstance(methods, Mapping) else dict.fromkeys(methods)
    settings["methods"] = {label: value or {} for label, value in options.items()}
    if "seeds" in settings:
        settings["seeds"] = parse_seeds(settings["seeds"])
    return settings


def _defaults() -> Flat:
    """Defaults of the sections that need no registry to tell them."""
    plain = {}
    for name, field in Experiment.model_fields.items():
        if hasattr(field.default, "model_dump"):
            plain[name] = field.default.model_dump(mode="json")
        elif isinstance(field.default, tuple | str):
            plain[name] = field.default
    return flat(plain)


def _labels(section: Mapping[str, Any]) -> str:
    names = sorted(name for name in section if name not in ALWAYS_RUN)
    return ", ".join(names) if len(names) <= MOST_LABELS else f"{len(names)} of them"


def _ranges(seeds: Sequence[int]) -> str:
    """Seeds as they are given: ``0-9`` or ``0,3,5``."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return ",".join("-".join(map(str, part)) for part in parts)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)
