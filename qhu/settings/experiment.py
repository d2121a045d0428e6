"""What is asked: the experiment file and its overrides."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    field_serializer,
    field_validator,
    model_validator,
)

from qhu import registry
from qhu.errors import UnknownName, UserError, brief, inside, shortened
from qhu.record.documents import line_of, read_document
from qhu.record.naming import Name, distinct
from qhu.registry import Options, parse
from qhu.registry.options import plain_values
from qhu.settings.checkpoint import Checkpoints, check_labels
from qhu.settings.evidence import EvidenceSpec
from qhu.settings.model import ModelSpec
from qhu.settings.overrides import (
    Override,
    applied,
    as_override,
    by_label,
    refuse_replaced,
    to_blame,
)
from qhu.settings.parts import (
    DataSpec,
    EvaluateSpec,
    Scenario,
    Stages,
    TorchDevice,
    TrainSpec,
    UnlearnSpec,
)
from qhu.settings.tuned import Tuned

ALWAYS_RUN = ("none", "retrain")
"""Methods that stand beside every other: the untouched teacher and the retrained oracle."""


MAX_SEEDS = 10_000
TRAINED = ("teacher", "oracle", "floor")
"""Models trained from scratch: no method may be labelled so, its files and rows would be theirs."""


class MethodSpec(Options):
    """A registered method and its options."""

    method: str = Field(json_schema_extra={"registered": "methods"})
    """registered name; the key in the experiment file is only a label"""
    options: Options = Field(json_schema_extra={"options_of": "methods"})
    """validated options of the method"""


def parse_seeds(given: Any) -> Any:
    """Seeds from an int, a list of ints or text such as ``0-9`` and ``0,3,5-7``."""
    if isinstance(given, int) and not isinstance(given, bool):
        return [given]
    if not isinstance(given, str):
        return given
    seeds: list[int] = []
    for part in given.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_seed(first) or (dash and not _is_seed(last)):
            raise UserError(f"seeds must be integers such as 0-9 or 0,3,5 (got {brief(given)})")
        chosen = range(int(first), int(last or first) + 1)
        if not chosen:
            raise UserError(f"seeds count up: {last}-{first}, not {brief(part)}")
        if len(seeds) + len(chosen) > MAX_SEEDS:
            raise UserError(f"more than {MAX_SEEDS:,} seeds (got {brief(given)}): give fewer")
        seeds += chosen
    return seeds


def _is_seed(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19  # tables hold 64 bits


Seeds = Annotated[
    tuple[Annotated[StrictInt, Field(ge=0, lt=2**63)], ...],
    Field(min_length=1, max_length=MAX_SEEDS),
    BeforeValidator(parse_seeds),
]


class Experiment(Options):
    """Everything that determines the numbers of a run."""

    name: Name
    """name of the study, part of the default run folder"""
    data: DataSpec = DataSpec()
    model: ModelSpec = Field(default_factory=ModelSpec)
    training: TrainSpec = TrainSpec()
    unlearning: UnlearnSpec = UnlearnSpec()
    evaluation: EvaluateSpec = EvaluateSpec()
    scenarios: dict[Name, Scenario] = Field(min_length=1)
    """what is to be forgotten, by label"""
    methods: dict[Name, MethodSpec] = Field(min_length=1)
    """methods by label; ``none`` and ``retrain`` are always added"""
    checkpoints: Checkpoints = Field({}, exclude_if=lambda given: not given)
    """models unlearned elsewhere by label, scenario and seed; ``qhu evaluate`` fills it"""
    metrics: tuple[str, ...] = Field((), json_schema_extra={"registered": "metrics"})
    """metrics to compute; empty: all registered ones but those on request"""
    seeds: Seeds = tuple(range(10))
    """root seeds; each draws its own split and forget set (see data.split) and initial weights"""
    evidence: EvidenceSpec | None = Field(None, exclude_if=lambda given: given is None)
    """what ``qhu evidence`` gathers; a run does not read it"""
    stages: Stages = Stages()
    device: TorchDevice = "cpu"
    """where networks are trained and evaluated; random numbers always come from the CPU"""
    tuned: Tuned | None = Field(None, exclude_if=lambda given: given is None)
    """where the methods' options come from, if ``qhu tune`` chose them"""

    @field_validator("data")
    @classmethod
    def _known_dataset(cls, data: DataSpec) -> DataSpec:
        with inside("data", "options"):
            registry.dataset.options(data.source, data.options)
        return data

    @field_validator("methods", mode="before")
    @classmethod
    def _known_methods(cls, given: Any) -> dict[str, MethodSpec]:
        given = by_label(given)
        if not isinstance(given, Mapping):
            raise ValueError("list method names, or map them to their options")
        with_honest = {**dict.fromkeys(ALWAYS_RUN), **given}
        if odd := [label for label in with_honest if type(label) not in (str, int)]:
            raise ValueError(f"the label {brief(odd[0])} is no text: quote it")
        return {str(label): _method(str(label), o) for label, o in with_honest.items()}

    @field_validator("methods")
    @classmethod
    def _distinct_methods(cls, methods: dict[str, MethodSpec]) -> dict[str, MethodSpec]:
        distinct(methods)
        for label, chosen in methods.items():
            if label.lower() in TRAINED:
                raise ValueError(f"the label '{label}' is that of a model trained from scratch")
            names = map(str.lower, registry.method.names())
            if chosen.method.lower() != label.lower() and label.lower() in names:
                raise ValueError(
                    f"the label '{label}' is that of the method {label.lower()}, and would stand "
                    f"for {chosen.method}: choose another label"
                )
            if label == "retrain" and chosen.options.model_dump()["scope"] != "all":
                raise ValueError(
                    "retrain is the oracle, which is whole: ask for a part of it under another "
                    "label, such as methods.part={method: retrain, scope: quantum}"
                )
        return methods

    @field_validator("scenarios")
    @classmethod
    def _distinct_scenarios(cls, scenarios: dict[str, Scenario]) -> dict[str, Scenario]:
        distinct(scenarios)
        return scenarios

    @model_validator(mode="after")
    def _own_labels(self) -> "Experiment":
        check_labels(self.checkpoints, self.methods, TRAINED)
        for label, of_label in self.checkpoints.items():
            for scenario in of_label.keys() - self.scenarios.keys():
                raise UnknownName(f"scenario in checkpoints.{label}", scenario, self.scenarios)
        return self

    @model_validator(mode="after")
    def _not_tuned_on(self) -> "Experiment":
        if self.tuned is not None:
            refuse_tuned_on(self.tuned.seeds, self.seeds)
        return self

    @field_serializer("methods", mode="plain")
    def _plain_methods(self, methods: dict[str, MethodSpec], info: Any) -> dict[str, Any]:
        dump = {"mode": "json", "exclude_defaults": info.exclude_defaults}
        named = {k: {} if m.method == k else {"method": m.method} for k, m in methods.items()}
        return {k: {**named[k], **m.options.model_dump(**dump)} for k, m in methods.items()}

    @model_validator(mode="after")
    def _selection(self) -> "Experiment":
        left_out = self.training.teacher_without
        if left_out is not None and left_out not in self.scenarios:
            raise UnknownName("scenario in training.teacher_without", left_out, self.scenarios)
        for part in ("training", "unlearning"):
            spec = getattr(self, part)
            if spec.patience and spec.select == "val_loss" and not self.data.val:
                raise ValueError(f"{part}.patience waits for the validation loss: raise data.val")
        return self

    @field_validator("metrics")
    @classmethod
    def _known_metrics(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            registry.metric[name]
        return names

    @field_validator("seeds")
    @classmethod
    def _distinct_seeds(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must differ: the same seed twice is not two samples")
        return seeds


def refuse_tuned_on(tuning: Sequence[int], reported: Sequence[int]) -> None:
    """Refuse seeds that options are tuned on and results are reported of.

    Raises:
        ValueError: naming them.
    """
    if shared := sorted(set(tuning) & set(reported)):
        raise ValueError(
            f"seeds {shortened(', '.join(map(str, shared)), 200)} are both tuned on and reported: "
            "give others"
        )


def _method(label: str, given: Any) -> MethodSpec:
    if isinstance(given, MethodSpec):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise UserError(
            f"methods.{shortened(label)}: give options such as {{lr: 0.01}}, or nothing "
            f"(got {brief(given)})"
        )
    options = dict(given or {})
    name = options.pop("method", label)
    if not isinstance(name, str):
        raise UserError(
            f"methods.{shortened(label)}.method: must be the name of a method (got {brief(name)})"
        )
    with inside("methods", label):
        return MethodSpec(method=name, options=registry.method.options(name, options))


def load_experiment(
    path: Path, overrides: Sequence[str] = (), methods: Sequence[str] | None = None
) -> Experiment:
    """Read an experiment file and apply dotted overrides such as ``model.layers=3``.

    Args:
        path: the file.
        overrides: ``key.sub=value`` each, the value in YAML.
        methods: labels to keep of the file's methods, or registered names to add; None: all.

    Raises:
        UserError: the file is missing, does not parse (with the line), or a setting is wrong.
    """
    return make_experiment(read_settings(path), str(path), overrides, methods, path)


def read_settings(path: Path) -> dict[str, Any]:
    """The settings in a YAML file, as they stand there.

    Raises:
        UserError: the file is missing or :func:`qhu.record.documents.read_document` refuses it.
    """
    given = read_document(path)
    if not isinstance(given, dict):
        raise UserError(f"{path} must be a mapping of settings such as name, data, methods")
    return given


def make_experiment(
    given: Mapping[str, Any],
    where: str,
    overrides: Sequence[str] = (),
    methods: Sequence[str] | None = None,
    file: Path | None = None,
) -> Experiment:
    """The experiment that settings describe, as :func:`load_experiment` makes it of a file's.

    Args:
        given: the settings.
        where: what messages call them.
        overrides: as there.
        methods: as there.
        file: where the settings stand, so that a message can name the line.

    Raises:
        UserError: a setting or an override is wrong; the message says which.
    """
    settings = plain_values(given)
    chosen = [as_override(override) for override in overrides]
    try:
        experiment = _made(settings, chosen, methods)
        refuse_replaced(settings, chosen)
        _check_tuned(experiment, chosen)
    except UserError as error:
        raise _located(error, settings, chosen, methods, where, file) from None
    return experiment


def _made(
    given: Mapping[str, Any], overrides: Sequence[Override], methods: Sequence[str] | None
) -> Experiment:
    settings = applied(given, overrides)
    if "sweep" in settings:
        raise UserError("it varies a setting, by its section sweep: use qhu ablate")
    if methods is not None:
        by_label(list(methods))  # none of them twice
        _check_kept(overrides, methods)
        kept = by_label(settings.get("methods") or {})
        kept = kept if isinstance(kept, dict) else {}
        settings["methods"] = {label: kept.get(label) for label in (*ALWAYS_RUN, *methods)}
    experiment: Experiment = parse(Experiment, settings)
    return experiment


def _located(
    error: UserError,
    given: Mapping[str, Any],
    overrides: Sequence[Override],
    methods: Sequence[str] | None,
    where: str,
    file: Path | None,
) -> UserError:
    """A mistake and who made it: an override, ``--methods``, or a line of the file."""

    def fails(chosen: Sequence[Override], kept: Sequence[str] | None = methods) -> bool:
        try:
            _made(given, chosen, kept)
        except UserError as other:
            return str(other) == str(error)
        return False

    if str(error).startswith("-") or not fails(overrides):
        return error  # it says itself what it is of
    if blamed := to_blame(overrides, fails):
        return error.at(" with ".join(override.given for override in blamed))
    if methods is not None and not fails(overrides, None):
        return error.at(f"--methods {shortened(shlex.quote(','.join(methods)))}")
    line = line_of(file, error.path) if file is not None else None
    return error.at(f"{where}, line {line}" if line else where)


def _check_kept(overrides: Sequence[Override], methods: Sequence[str]) -> None:
    """Refuse the settings of a method that the chosen ones leave out; some are always there."""
    for override in overrides:
        first, *below = override.path
        labels = below[:1] if below else _labels(override)
        for label in labels if first == "methods" else ():
            if label not in (*methods, *ALWAYS_RUN):
                raise UserError(
                    f"{override.given} sets method '{shortened(label)}', which the chosen methods "
                    f"leave out: add {shortened(label)} to --methods"
                )


def _labels(override: Override) -> list[str]:
    """Labels of all the methods that an override gives."""
    value = applied({}, [override]).get("methods")
    return list(map(str, value)) if isinstance(value, list | dict) else []


def _check_tuned(experiment: Experiment, overrides: Sequence[Override]) -> None:
    """Refuse other options than those that the section ``tuned`` says were tuned."""
    if experiment.tuned is None:
        return
    for override in overrides:
        if override.path[0] == "methods":
            raise UserError(
                f"{override.given} changes what qhu tune chose, and the run would still say that "
                f"it is tuned: give it to the experiment '{experiment.tuned.experiment}' instead, "
                "or say -s tuned=null as well"
            )
