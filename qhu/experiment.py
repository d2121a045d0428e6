"""What is asked: the experiment file as typed models, its overrides and its fingerprint."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BeforeValidator,
    Field,
    StrictInt,
    field_serializer,
    field_validator,
    model_validator,
)

from qhu import registry
from qhu.errors import UserError
from qhu.registry import Options, parse

Scope = Literal["all", "quantum", "classical"]
Scaling = Literal["angles", "unit", "none"]
Fraction = Annotated[float, Field(gt=0, lt=1)]
HONEST = ("none", "retrain")
"""Methods that stand beside every other: the untouched teacher and the retrained oracle."""


class DataSpec(Options):
    """Which data, and how the rows are split."""

    source: str = "iris"
    """registered dataset; ``idx:FOLDER`` and ``file:PATH`` give the first option with the name"""
    options: dict[str, Any] = {}
    """options of the dataset"""
    scale: Scaling = "angles"
    """``angles``: every feature to [−π, π] by its range on the training rows; ``unit``: pixels
    0..255 to [0, 1]; ``none``: as they are"""
    test: Fraction = 0.2
    """fraction of all rows held out for testing, stratified by class"""
    val: Fraction = 0.15
    """fraction of the remaining rows held out for validation, stratified by class"""

    @model_validator(mode="before")
    @classmethod
    def _argument(cls, given: Any) -> Any:
        """``name:argument`` is the name and its first option: one meaning, one fingerprint."""
        source = given.get("source") if isinstance(given, Mapping) else None
        if not isinstance(source, str) or ":" not in source:
            return given
        name, _, argument = source.partition(":")
        known = list(registry.dataset[name].options.model_fields)
        options = given.get("options") or {}
        if not known or not argument or known[0] in options:
            raise UserError(f"data.source '{source}': give {name} its options in data.options")
        return {**given, "source": name, "options": {known[0]: argument, **options}}


class ModelSpec(Options):
    """The hybrid network: classical front, encoding, variational circuit, classical head."""

    front: Literal["none", "cnn"] = "none"
    """what turns a sample into angles: nothing, one feature per qubit; or two convolutions and a
    linear layer, for images"""
    qubits: int | None = Field(None, ge=1)
    """width of the circuit behind a front; null: one qubit per feature"""
    quantum: bool = True
    """false: the classical twin, the same network with the quantum layer left out"""
    layers: int = Field(2, ge=1)
    """variational layers of the circuit"""
    entanglement: Literal["ring", "linear", "full", "none"] = "ring"
    """which qubit pairs each layer couples with CZ"""
    angle: float = Field(1.0, gt=0, le=1)
    """rotation angle per unit of a scaled feature; features lie in [−π, π], and at angle 1 the
    values −π, 0 and π are all encoded as the same state"""
    reupload: bool = False
    """encode the features again before every variational layer"""
    head: Literal["mlp", "deep"] = "mlp"
    """what turns expectation values into logits: hidden layers as below; or the fixed head of the
    paper's Iris network, 32-32-16 with batch norm, ELU and dropout 0.2"""
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (16,)
    """widths of the head's hidden layers"""
    batch_norm: bool = False
    """normalise after every hidden linear layer of the head"""
    dropout: float = Field(0.0, ge=0, lt=1)
    """probability of dropping a unit after the head's last hidden layer"""

    @model_validator(mode="after")
    def _width(self) -> "ModelSpec":
        if (self.front == "none") != (self.qubits is None):
            raise ValueError("give qubits with a front, and only then")
        if self.head == "deep" and {"hidden", "batch_norm", "dropout"} & identity(self).keys():
            raise ValueError("the deep head is fixed: leave out hidden, batch_norm and dropout")
        return self


class TrainSpec(Options):
    """How teacher and oracles are trained: Adam on the mean cross-entropy."""

    epochs: int = Field(60, ge=1)
    """passes over the training rows"""
    batch_size: int = Field(32, ge=1)
    """rows per step"""
    lr: float = Field(0.01, gt=0)
    """learning rate of Adam"""
    patience: int | None = Field(None, ge=1)
    """stop after so many epochs without a better validation loss and keep the best epoch;
    null: train all epochs and keep the last"""


class UnlearnSpec(Options):
    """What every unlearning method is given alike."""

    steps: int = Field(40, ge=0)
    """optimiser steps a method may take"""
    batch_size: int = Field(32, ge=1)
    """rows per step, of the retain and of the forget set each"""
    lr: float = Field(0.01, gt=0)
    """learning rate, unless the method's own options set one"""
    scope: Scope = "all"
    """part of θ that may move"""


class Scenario(Options):
    """What is to be forgotten: exactly one of ``fraction``, ``ids``, ``label``."""

    fraction: Fraction | None = None
    """random share of the training rows, drawn anew per seed, stratified by class"""
    ids: tuple[StrictInt, ...] | None = None
    """explicit row numbers of the dataset, which are then always part of the training rows"""
    label: StrictInt | None = None
    """a whole class"""

    @model_validator(mode="after")
    def _exactly_one(self) -> "Scenario":
        given = [k for k in ("fraction", "ids", "label") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of fraction, ids, label (got {given or 'none'})")
        if self.ids is not None and not self.ids:
            raise ValueError("the forget set is empty: name at least one row in ids")
        return self


class MethodSpec(Options):
    """A registered method and its options."""

    method: str
    """registered name; the key in the experiment file is only a label"""
    options: Options
    """validated options of the method"""


class Stages(Options):
    """The backend each stage runs on."""

    train: str = "statevector"
    """teacher and oracle training"""
    unlearn: str = "statevector"
    """the unlearning steps"""
    evaluate: str = "statevector"
    """predictions that the metrics are computed from"""


def parse_seeds(given: Any) -> Any:
    """Seeds from an int, a list of ints or text such as ``0-9`` and ``0,3,5-7``."""
    if isinstance(given, int) and not isinstance(given, bool):
        return [given]
    if not isinstance(given, str):
        return given
    seeds: list[int] = []
    for part in given.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"seeds must be integers such as 0-9 or 0,3,5 (got '{given}')")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


Seeds = Annotated[
    tuple[Annotated[StrictInt, Field(ge=0)], ...], Field(min_length=1), BeforeValidator(parse_seeds)
]


class Experiment(Options):
    """Everything that determines the numbers of a run."""

    name: str = Field(pattern=r"^[\w.-]+$")
    """name of the study, part of the default run folder"""
    data: DataSpec = DataSpec()
    model: ModelSpec = ModelSpec()
    training: TrainSpec = TrainSpec()
    unlearning: UnlearnSpec = UnlearnSpec()
    scenarios: dict[str, Scenario] = Field(min_length=1)
    """what is to be forgotten, by label"""
    methods: dict[str, MethodSpec] = Field(min_length=1)
    """methods by label; ``none`` and ``retrain`` are always added"""
    metrics: tuple[str, ...] = ()
    """metrics to compute; empty: all registered ones"""
    seeds: Seeds = tuple(range(10))
    """root seeds; each draws its own split, forget set and initial weights"""
    stages: Stages = Stages()

    @field_validator("data")
    @classmethod
    def _known_dataset(cls, data: DataSpec) -> DataSpec:
        registry.dataset.options(data.source, data.options)
        return data

    @field_validator("methods", mode="before")
    @classmethod
    def _known_methods(cls, given: Any) -> dict[str, MethodSpec]:
        if isinstance(given, list):
            given = dict.fromkeys(given)
        if not isinstance(given, Mapping):
            raise ValueError("list method names, or map them to their options")
        with_honest = {**dict.fromkeys(HONEST), **given}
        return {str(label): _method(str(label), o) for label, o in with_honest.items()}

    @field_serializer("methods", mode="plain")
    def _plain_methods(self, methods: dict[str, MethodSpec], info: Any) -> dict[str, Any]:
        dump = {"mode": "json", "exclude_defaults": info.exclude_defaults}
        named = {k: {} if m.method == k else {"method": m.method} for k, m in methods.items()}
        return {k: {**named[k], **m.options.model_dump(**dump)} for k, m in methods.items()}

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


def _method(label: str, given: Any) -> MethodSpec:
    if isinstance(given, MethodSpec):
        return given
    options = dict(given or {})
    name = options.pop("method", label)
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
    try:
        given = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise UserError(f"{path}{line}: {problem}; mend the YAML") from None
    if not isinstance(given, dict):
        raise UserError(f"{path} must be a mapping of settings such as name, data, methods")
    for override in overrides:
        _apply(given, override)
    if methods is not None:
        kept = given.get("methods") or {}
        kept = kept if isinstance(kept, dict) else {}
        given["methods"] = {label: kept.get(label) for label in methods}
    experiment: Experiment = parse(Experiment, given, str(path))
    return experiment


def _apply(given: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise UserError(f"override '{override}' must look like key.sub=value")
    *path, last = dotted.split(".")
    node = given
    for key in path:
        if isinstance(node.get(key), list):  # methods given as a list of names
            node[key] = dict.fromkeys(node[key])
        if node.get(key) is None:
            node[key] = {}
        node = node[key]
        if not isinstance(node, dict):
            raise UserError(f"override '{override}': '{key}' holds a value, not settings")
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"override '{override}': the value is not valid YAML") from None


def digest(content: Any) -> str:
    """Short stable hash of JSON-serialisable content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def identity(settings: Options) -> dict[str, Any]:
    """Settings that differ from the defaults: a new option with a default changes nothing."""
    return settings.model_dump(mode="json", exclude_defaults=True)
