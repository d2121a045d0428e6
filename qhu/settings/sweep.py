"""An experiment file that varies one setting: a family of ordinary experiments."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from qhu.errors import UserError, brief
from qhu.record.naming import PointName, distinct
from qhu.registry import Options, parse
from qhu.settings.experiment import Experiment, make_experiment, read_settings
from qhu.settings.overrides import Override, as_override
from qhu.settings.shipped import experiment_file


def _by_label(given: Any) -> Any:
    """Values of the axis by label; a list's values are their own labels, or have names."""
    if not isinstance(given, list | dict):
        return given
    pairs = (
        given.items() if isinstance(given, dict) else zip(map(_label, given), given, strict=True)
    )
    by_label = {str(label): value for label, value in pairs}
    if len(by_label) < len(given):
        raise ValueError("two values have the same label: drop one, or give labels")
    distinct(by_label)
    return by_label


def _label(value: Any) -> Any:
    """What a value of a list is called: a part of the model with options, by the part's name."""
    if isinstance(value, dict):
        if "name" not in value:
            raise ValueError("a mapping has no label of its own: give every value one")
        return value["name"]
    return value


SweepValues = Annotated[dict[PointName, Any], Field(min_length=2), BeforeValidator(_by_label)]


def _as_text(given: Any) -> Any:
    """A label as text, a number such as 4 among them."""
    return str(given) if isinstance(given, int | float) else given


COMMON = ("name", "seeds", "metrics", "checkpoints", "evidence", "tuned", "sweep")
"""What the values of an ablation share: it compares them, or no number depends on it."""


class Sweep(Options):
    """The section ``sweep`` of an experiment file."""

    question: str
    """what the ablation asks, the title of its page"""
    vary: dict[str, SweepValues] = Field(min_length=1, max_length=1)
    """one dotted setting, or a whole section, and its values: a list, or values by label"""
    axis: str = ""
    """the varied setting in words"""
    ordered: bool = True
    """whether the values have an order, so that there can be a trend; else each value is compared
    with the reference"""
    reference: Annotated[str | None, BeforeValidator(_as_text)] = None
    """the value that the others are compared with, where they have no order; null: the last"""
    read: str = "kl_forget"
    """the score that the reading is about"""
    base: Path | None = None
    """experiment for the sections that this one lacks: a file, seen from this one, or a shipped
    experiment by its name"""

    @field_validator("vary")
    @classmethod
    def _comparable(cls, vary: dict[str, Any]) -> dict[str, Any]:
        section = next(iter(vary)).partition(".")[0]
        if section in COMMON:
            raise ValueError(
                f"{section} is the same for all values: vary a setting that numbers depend on, "
                "such as model.layers"
            )
        return vary

    @model_validator(mode="after")
    def _compared(self) -> "Sweep":
        if self.reference is not None and self.ordered:
            raise ValueError("values that have an order have no reference: set ordered to false")
        if self.reference is not None and self.reference not in self.labels:
            raise ValueError(
                f"no value is called {brief(self.reference)}: the reference is one of "
                f"{', '.join(self.labels)}"
            )
        return self

    @property
    def setting(self) -> str:
        """The varied setting."""
        return next(iter(self.vary))

    @property
    def words(self) -> str:
        """The varied setting in words."""
        return self.axis or self.setting

    @property
    def compared_with(self) -> str:
        """The value that the others are compared with, where they have no order."""
        return self.reference or self.labels[-1]

    @property
    def labels(self) -> list[str]:
        """What the values are called, in their order."""
        return list(self.vary[self.setting])


def load_sweep(
    path: Path, overrides: Sequence[str] = (), methods: Sequence[str] | None = None
) -> tuple[Sweep, dict[str, Experiment]]:
    """Read an experiment file with a section ``sweep``.

    Args:
        path: the file.
        overrides: as for an ordinary experiment. The varied setting comes after them, but before
            those of a setting inside it: where ``model`` is varied, ``model.layers`` is set in all.
        methods: as for an ordinary experiment.

    Returns:
        The section, and per label the experiment with that value.

    Raises:
        UserError: the file is no such file, a setting is wrong, or two values are the same.
    """
    return make_sweep(read_settings(path), str(path), path.parent, overrides, methods, path)


def make_sweep(
    settings: Mapping[str, Any],
    called: str,
    folder: Path,
    overrides: Sequence[str] = (),
    methods: Sequence[str] | None = None,
    file: Path | None = None,
) -> tuple[Sweep, dict[str, Experiment]]:
    """What settings with a section ``sweep`` describe, as :func:`load_sweep` reads them.

    Args:
        settings: as in a file.
        called: what messages call them.
        folder: where ``sweep.base`` is looked for.
        overrides: as of :func:`load_sweep`.
        methods: as of :func:`load_sweep`.
        file: where the settings stand, so that a message can name the line.

    Raises:
        UserError: as :func:`load_sweep`.
    """
    given = dict(settings)
    if "sweep" not in given:
        raise UserError(f"{called} varies nothing: give sweep.vary, or use qhu run")
    sweep: Sweep = parse(Sweep, given.pop("sweep"), f"{called}: sweep")
    if sweep.base is not None:
        given = read_settings(experiment_file(sweep.base, folder)) | given
    chosen = [as_override(override) for override in overrides]
    inside = [override for override in chosen if override.startswith(f"{sweep.setting}.")]
    outside = [override for override in chosen if override not in inside]
    experiments = {}
    for label, value in sweep.vary[sweep.setting].items():
        text = f"{sweep.setting}={json.dumps(value, ensure_ascii=False)}"
        varied = Override(text, f"{called}: sweep.vary with {sweep.setting} {label}")
        in_turn = [*outside, varied, *inside]
        experiments[label] = make_experiment(given, called, in_turn, methods, file)
    if any(first == second for first, second in itertools.combinations(experiments.values(), 2)):
        raise UserError(f"{called}: two values of {sweep.setting} are the same; drop one")
    return sweep, experiments
