"""Settings of an experiment, one model per part of the file."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from qhu import registry
from qhu.errors import UserError
from qhu.record.naming import Name
from qhu.registry import Options
from qhu.settings.kinds import Cluster, Copies, Duplicates, Kind, Memorised, Outliers

TorchDevice = Literal["cpu", "cuda"]
Scope = Literal["all", "quantum", "classical"]
Scaling = Literal["angles", "unit", "none"]
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _unset(value: Any) -> bool:
    """Such a setting is not written: what asks for nothing of it stays the same question."""
    return value is None


def _check_label(given: Any) -> Any:
    if not isinstance(given, bool | int | str):
        raise ValueError("give a name as it stands in the data, or a number counted from 0")
    return given


Label = Annotated[bool | int | str, BeforeValidator(_check_label)]
"""A class or a column: its name, which may look like a number or true, or its number from 0."""


class DataSpec(Options):
    """Which data, and how the rows are split."""

    source: str = Field("iris", json_schema_extra={"registered": "datasets"})
    """registered dataset; ``idx:FOLDER`` and ``file:PATH`` give the first option with the name"""
    options: dict[str, Any] = Field({}, json_schema_extra={"options_of": "datasets"})
    """options of the dataset"""
    classes: Annotated[tuple[Label, ...], Field(min_length=2)] | None = None
    """classes to keep, numbered in this order, by name or, where no name is a number, by number
    from 0; the others do not exist then; null: all"""
    per_class: int | None = Field(None, ge=1)
    """keep so many rows of each class, the same for every seed; null: all"""
    features: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    """columns of a table to keep, in this order, by name or, where no name is a number, by number
    from 0; null: all"""
    pca: int | None = Field(None, ge=1)
    """replace the features, scaled, by so many principal components, scaled again, both fitted on
    the rows of ``scale_rows``; null: the features themselves"""
    width: int | None = Field(None, ge=1, le=1_000)
    """repeat the features in turn until they are so many, so that a table of few fills as many
    qubits as one of many; null: each once"""
    scale: Scaling = "angles"
    """``angles``: every feature to [−π, π] by its range; ``unit``: pixels 0..255 to [0, 1];
    ``none``: as they are"""
    scale_rows: Literal["train", "retain", "all"] = "train"
    """rows whose range ``angles`` maps to [−π, π], and whose components ``pca`` takes: ``train``:
    the training rows, forget rows among them, for every model; ``retain``: the rows that the model
    is trained on, so that an oracle's scaling never saw the forget rows, while methods keep the
    teacher's"""
    split: Literal["seeded", "released"] = "seeded"
    """``seeded``: every seed draws its own test rows and forget sets; ``released``: the one split
    of arXiv 2512.19253, so that seeds differ in initial weights and order only"""
    test: Fraction = 0.2
    """fraction of all rows held out for testing, stratified by class"""
    val: float = Field(0.15, ge=0, lt=1)
    """fraction of the remaining rows held out for validation, stratified by class; 0: none"""
    label_noise: float = Field(0.0, ge=0, lt=1)
    """share of the training rows, drawn per seed, whose label becomes another class at random
    before anything is trained: what only memory can get right"""
    copies: Copies | None = Field(None, exclude_if=_unset)
    """exact copies of training rows, which are training rows, too, behind all rows of the dataset;
    null: none"""

    @model_validator(mode="after")
    def _no_components_of_pixels(self) -> "DataSpec":
        if self.pca is not None and self.scale == "unit":
            raise ValueError("components are no pixels: with data.pca set data.scale to angles")
        return self

    @model_validator(mode="after")
    def _no_released_validation(self) -> "DataSpec":
        if self.split == "released" and self.val:
            raise ValueError("the released split has no validation rows: set data.val to 0")
        return self

    @model_validator(mode="before")
    @classmethod
    def _argument(cls, given: Any) -> Any:
        """``name:argument`` is the name and its first option: one meaning, one fingerprint."""
        source = given.get("source") if isinstance(given, Mapping) else None
        if not isinstance(source, str) or ":" not in source:
            return given
        name, _, argument = source.partition(":")
        fields = list(registry.dataset[name].options.model_fields)
        options = given.get("options") or {}
        if not fields or not argument or fields[0] in options:
            raise UserError(f"data.source '{source}': give {name} its options in data.options")
        return {**given, "source": name, "options": {fields[0]: argument, **options}}


class Selection(Options):
    """Which epoch of a training or an unlearning is kept."""

    select: Literal["val_loss", "test_accuracy"] = "val_loss"
    """what ``patience`` waits for: a lower loss on the validation rows, of the classes that are
    trained on; or a higher accuracy on the test rows, all of them, as arXiv 2512.19253 does, after
    which they test nothing any more"""
    patience: int | None = Field(None, ge=1)
    """stop after so many epochs without a better one and keep the best, of equal ones the first;
    null: all epochs, and keep the last"""

    @model_validator(mode="after")
    def _waits(self) -> "Selection":
        if self.select == "test_accuracy" and self.patience is None:
            raise ValueError("select test_accuracy needs a patience")
        return self


class TrainSpec(Selection):
    """How teacher and oracles are trained: Adam on the mean cross-entropy."""

    epochs: int = Field(60, ge=1)
    """passes over the training rows"""
    batch_size: int = Field(32, ge=1)
    """rows per step"""
    lr: float = Field(0.01, gt=0)
    """learning rate of Adam"""
    schedule: Literal["constant", "cosine"] = "constant"
    """``cosine``: the rate falls from ``lr`` to 0 over the epochs as half a cosine does, so that
    the last epochs settle"""
    paired: bool = True
    """teacher, oracle and floor of a seed start from the same weights; false: each from its own"""
    teacher_without: str | None = None
    """scenario whose forget rows the teacher never sees; null: it trains on all training rows"""


class UnlearnSpec(Selection):
    """What every unlearning method is given alike."""

    steps: int | None = Field(40, ge=0)
    """optimiser steps a method may take; null: as many as ``epochs`` hold"""
    epochs: int | None = Field(None, ge=1)
    """epochs a method may take, each a pass over the rows it trains on; null: no bound but steps"""
    batch_size: int = Field(32, ge=1)
    """rows per step, of the retain and of the forget set each"""
    lr: float = Field(0.01, gt=0)
    """learning rate, unless the method's own options set one"""
    scope: Scope = "all"
    """part of θ that may move"""

    @model_validator(mode="after")
    def _bounded(self) -> "UnlearnSpec":
        if self.steps is None and self.epochs is None:
            raise ValueError("give steps or epochs: one of them must bound the methods")
        return self


class Scenario(Options):
    """What is to be forgotten: exactly one of the settings below, beside ``requests``."""

    fraction: Fraction | None = None
    """random share of the training rows, drawn anew per seed, stratified by class"""
    ids: tuple[StrictInt, ...] | None = None
    """explicit row numbers of the dataset, which are then always part of the training rows"""
    label: Label | None = None
    """a whole class by its name; where no class is called by a number, also by its number from 0"""
    mislabelled: Literal[True] | None = None
    """the training rows that ``data.label_noise`` gave a wrong label"""
    memorised: Memorised | None = Field(None, exclude_if=_unset)
    """the training rows that networks memorise most, or a third of them by memorisation"""
    outliers: Outliers | None = Field(None, exclude_if=_unset)
    """the training rows that are least like their class"""
    cluster: Cluster | None = Field(None, exclude_if=_unset)
    """a training row and its nearest neighbours"""
    duplicates: Duplicates | None = Field(None, exclude_if=_unset)
    """the training rows that ``data.copies`` gave copies"""
    requests: StrictInt | None = Field(None, ge=2, exclude_if=_unset)
    """part the forget rows, at random, into so many requests that are met one after another; null:
    all at once"""

    @model_validator(mode="after")
    def _exactly_one(self) -> "Scenario":
        names = [name for name in Scenario.model_fields if name != "requests"]
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(names)} (got {given or 'none'})")
        if self.ids is not None and not self.ids:
            raise ValueError("the forget set is empty: name at least one row in ids")
        return self

    @property
    def kind(self) -> Kind | None:
        """Settings of a kind that has its own; None of the others."""
        return self.memorised or self.outliers or self.cluster or self.duplicates


class EvaluateSpec(Options):
    """Which rows are evaluated."""

    retain: int | None = Field(None, ge=1)
    """so many of the retain rows, drawn per seed and scenario; null: all of them"""


class Stages(Options):
    """The backend each stage runs on."""

    train: Name = "statevector"
    """teacher and oracle training"""
    unlearn: Name = "statevector"
    """the unlearning steps"""
    evaluate: Name = "statevector"
    """predictions that the metrics are computed from"""
