"""What there is to tune of a method, derived from the model of its options.

Types and bounds of the fields decide. Where they do not suffice, a field says it of itself in its
method's file, by ``json_schema_extra={"tune": …}``: the reason why it stays as it is, a list of
choices, or ``{"low": …, "high": …, "log": …}``.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from qhu.errors import QhuError
from qhu.registry import Options

FACTOR = 30.0
"""A positive number without an upper bound, or with one farther off, is tuned by its logarithm
up to this factor from its value to both sides: about three orders of magnitude."""
MOST = 4
"""A whole number without an upper bound is tuned up to so many times its default."""
WIDE = 1000.0
"""A range whose ends differ by more than this factor is tuned by its logarithm."""
DIGITS = 3
"""Significant digits of a tuned number: what an experiment file shows is what was tried."""


@dataclass(frozen=True)
class Space:
    """The options of a method that are tuned, and those that are not.

    Attributes:
        start: value of every tuned option in the first trial.
        ranges: where each is tuned.
        kept: why each other option keeps its value.
    """

    start: dict[str, Any]
    ranges: dict[str, BaseDistribution]
    kept: dict[str, str]

    @property
    def holds_start(self) -> bool:
        """Whether the first trial lies in the ranges."""
        return all(
            type(value) in (bool, int, float, str)
            and self.ranges[name]._contains(self.ranges[name].to_internal_repr(value))
            for name, value in self.start.items()
        )

    def rounded(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Values of a trial as an experiment file shows them, inside the ranges."""
        return {name: _rounded(value, self.ranges[name]) for name, value in drawn.items()}


@dataclass(frozen=True)
class _Bounds:
    """What a field says of its numbers; None where it says nothing."""

    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, metadata: Sequence[Any]) -> "_Bounds":
        bounds = cls()
        for constraint in metadata:
            for name, end, beyond in (
                ("ge", "low", None),
                ("gt", "low", math.inf),
                ("le", "high", None),
                ("lt", "high", -math.inf),
            ):
                if (value := getattr(constraint, name, None)) is not None:
                    inside = value if beyond is None else math.nextafter(value, beyond)
                    bounds = replace(bounds, **{end: inside})
        return bounds


def space_of(options: Options, common: BaseModel) -> Space:
    """The space of a method.

    Args:
        options: its options as the experiment has them: the first trial.
        common: the section ``unlearning``, whose value an option that is null has.

    Raises:
        QhuError: a field declares what is no range.
    """
    start, ranges, kept = dict[str, Any](), dict[str, BaseDistribution](), dict[str, str]()
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        value = getattr(common, name, None) if value is None else value
        where = f"{type(options).__module__}: option {name}"
        chosen = _declared(declared(type(options), name), field, where) or _derived(field, value)
        if isinstance(chosen, str):
            kept[name] = chosen
        else:
            start[name], ranges[name] = value, chosen
    return Space(start, ranges, kept)


def declared(options: type[Options], name: str) -> Any:
    """What an option says of its tuning, or the class that its model inherits from; None: nothing.

    A method that gives a common option another default says nothing new of it.
    """
    for model in options.__mro__:
        field = model.model_fields.get(name) if issubclass(model, Options) else None
        extra = field.json_schema_extra if field else None
        if isinstance(extra, Mapping) and "tune" in extra:
            return extra["tune"]
    return None


def _declared(asked: Any, field: FieldInfo, where: str) -> BaseDistribution | str | None:
    if asked is None or (isinstance(asked, str) and asked):
        return asked
    try:
        if isinstance(asked, list):
            return CategoricalDistribution(asked)
        numbers = {"low": asked["low"], "high": asked["high"], "log": asked.get("log", False)}
        return (IntDistribution if int in set(_types(field.annotation)) else FloatDistribution)(
            **numbers
        )
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise QhuError(
            f"{where} declares no range to tune ({type(error).__name__}: {error}): give tune a "
            "reason, a list of choices, or low, high and log"
        ) from error


def _derived(field: FieldInfo, value: Any) -> BaseDistribution | str:
    """A range by the type and the bounds of a field, or why there is none."""
    types, choices = set(_types(field.annotation)), list(_choices(field.annotation))
    if value is None:
        return "null is another setting than any value"
    if len(choices) > 1 and types <= {type(None)}:
        return CategoricalDistribution(choices)
    if types - {type(None)} == {bool}:
        return CategoricalDistribution([False, True])
    bounds = _Bounds.of(list(_metadata(field)))
    if types - {type(None)} == {int}:
        return _whole(bounds, value)
    if types - {type(None), int} == {float}:
        return _real(bounds, value)
    return "values of its type cannot be listed"


def _whole(bounds: _Bounds, value: int) -> BaseDistribution | str:
    if bounds.low is None:
        return "it has no lower bound"
    low = math.ceil(bounds.low)
    high = max(MOST * value, low + MOST - 1) if bounds.high is None else math.floor(bounds.high)
    return IntDistribution(low, high, log=low > 0 and high > WIDE * low)


def _real(bounds: _Bounds, value: float) -> BaseDistribution | str:
    low, high = bounds.low, bounds.high
    apart = value > 0 and high is not None and high > FACTOR * value
    if low is not None and high is not None and not (apart and low <= value):
        return FloatDistribution(low, high, log=low > 0 and WIDE * low < high and low > 1e-300)
    if value <= 0 or (low is not None and low < 0):
        return "it has no two bounds, and no positive default to begin from"
    low = value / FACTOR if low is None else max(low, value / FACTOR)
    high = value * FACTOR if high is None else min(high, value * FACTOR)
    return FloatDistribution(low, high, log=True)


def _types(annotation: Any) -> Iterator[type]:
    """The classes that a value may be of; those of literals count as choices."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from _types(part)
    elif origin is Annotated:
        yield from _types(get_args(annotation)[0])
    elif origin is not Literal:
        yield annotation if isinstance(annotation, type) else object


def _choices(annotation: Any) -> Iterator[Any]:
    """The values of literals."""
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in (Union, UnionType, Annotated):
        for part in get_args(annotation):
            yield from _choices(part)


def _metadata(field: FieldInfo) -> Iterator[Any]:
    """Constraints of a field, those inside its annotation first."""

    def inside(annotation: Any) -> Iterator[Any]:
        if get_origin(annotation) is Annotated:
            for part in get_args(annotation)[1:]:
                yield from part.metadata if isinstance(part, FieldInfo) else [part]
        if get_origin(annotation) in (Union, UnionType, Annotated):
            for part in get_args(annotation):
                yield from inside(part)

    yield from inside(field.annotation)
    yield from field.metadata


def _rounded(value: Any, within: BaseDistribution) -> Any:
    if not isinstance(within, FloatDistribution):
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), within.low), within.high)
