"""What there is to tune follows from the options; nothing is left out without a reason."""

from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field

from qhu import registry
from qhu.errors import QhuError, UserError
from qhu.registry import Options
from qhu.settings.experiment import ALWAYS_RUN
from qhu.settings.parts import UnlearnSpec
from qhu.tune.space import declared, space_of
from qhu.unlearn.task import MethodOptions

COMMON = UnlearnSpec()
METHODS = [name for name in registry.method.names() if name not in ALWAYS_RUN]
BUDGETS = {"steps", "epochs", "patience"}


class Toy(Options):
    """Options of every kind, with what has to come of each."""

    rate: float = Field(0.5, gt=0)
    share: float = Field(0.5, ge=0, le=1)
    open: float = Field(0.5, gt=0, lt=1)
    wide: float = Field(1.0, ge=1e-4, le=10)
    safe: float = Field(0.1, gt=0, le=100)
    least: float = Field(2.0, ge=1)
    most: float = Field(2.0, le=10)
    inner: Annotated[float, Field(ge=0, le=3)] | None = 1.0
    count: int = Field(5, ge=1)
    among: int = Field(3, ge=2, le=9)
    flag: bool = False
    kind: Literal["a", "b"] = "a"
    maybe: Literal["a", "b"] | None = "b"
    lr: float | None = Field(None, gt=0)
    listed: float = Field(1.0, json_schema_extra={"tune": [0.5, 1.0]})
    ranged: int = Field(4, json_schema_extra={"tune": {"low": 2, "high": 8, "log": True}})
    fixed: float = Field(1.0, gt=0, json_schema_extra={"tune": "because"})
    off: float | None = Field(None, ge=0)
    zero: float = Field(0.0, ge=0)
    free: int = 3
    words: str = "x"
    single: Literal["a"] = "a"


class Inherits(MethodOptions):
    """Another default for a common option."""

    steps: int | None = Field(7, ge=0)


def test_types_and_bounds_decide():
    space = space_of(Toy(), COMMON)
    expected = {
        "rate": FloatDistribution(0.5 / 30, 15.0, log=True),
        "share": FloatDistribution(0.0, 1.0),
        "wide": FloatDistribution(1e-4, 10, log=True),
        "safe": FloatDistribution(0.1 / 30, 0.1 * 30, log=True),
        "least": FloatDistribution(1, 60.0, log=True),
        "most": FloatDistribution(2 / 30, 10, log=True),
        "inner": FloatDistribution(0, 3),
        "count": IntDistribution(1, 20),
        "among": IntDistribution(2, 9),
        "flag": CategoricalDistribution([False, True]),
        "kind": CategoricalDistribution(["a", "b"]),
        "maybe": CategoricalDistribution(["a", "b"]),
        "lr": FloatDistribution(0.01 / 30, 0.01 * 30, log=True),
        "listed": CategoricalDistribution([0.5, 1.0]),
        "ranged": IntDistribution(2, 8, log=True),
    }
    bounds = space.ranges.pop("open")
    assert 0 < bounds.low < 1e-300 and 1 - 1e-15 < bounds.high < 1
    assert space.ranges == expected
    assert space.kept.pop("fixed") == "because"
    assert set(space.kept) == {"off", "zero", "free", "words", "single"}
    assert all(space.kept.values())


def test_the_first_trial_is_what_the_experiment_has():
    space = space_of(Toy(rate=0.1, count=9), UnlearnSpec(lr=0.2))
    assert (space.start["rate"], space.start["count"], space.start["lr"]) == (0.1, 9, 0.2)
    assert space.holds_start or None in space.start.values()
    assert not space_of(Toy(ranged=99), COMMON).holds_start


def test_a_common_option_keeps_what_is_declared_of_it_under_another_default():
    assert declared(Inherits, "steps") == declared(MethodOptions, "steps")
    assert "steps" in space_of(Inherits(), COMMON).kept


@pytest.mark.parametrize("tune", ["", {}, {"low": 1}, {"low": 2, "high": 1}, [], 5, {"low": "a"}])
def test_what_declares_no_range_is_refused(tune):
    class Odd(Options):
        odd: float = Field(1.0, json_schema_extra={"tune": tune})

    with pytest.raises(QhuError, match="option odd declares no range"):
        space_of(Odd(), COMMON)


@pytest.mark.parametrize("name", METHODS)
def test_every_option_of_every_method_is_tuned_or_says_why_not(name):
    options = registry.method.options(name, {})
    space = space_of(options, COMMON)
    assert space.ranges.keys() | space.kept.keys() == set(type(options).model_fields)
    assert space.ranges.keys().isdisjoint(space.kept)
    unexplained = [option for option in space.kept if not declared(type(options), option)]
    assert not unexplained, f"say in json_schema_extra of {name} why it is not tuned"
    assert space.holds_start or None in space.start.values()


@pytest.mark.parametrize("name", METHODS)
def test_budgets_are_never_tuned(name):
    assert space_of(registry.method.options(name, {}), COMMON).kept.keys() >= BUDGETS


@pytest.mark.parametrize("name", METHODS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_options_accept_what_is_drawn_but_for_rules_between_two_of_them(name, data):
    """Each option alone; what two of them forbid together is refused and drawn anew."""
    space = space_of(registry.method.options(name, {}), COMMON)
    option = data.draw(st.sampled_from(sorted(space.ranges)))
    value = data.draw(values(space.ranges[option]))
    shown = space.rounded({option: value})[option]
    try:
        options = registry.method.options(name, {option: shown})
    except UserError as error:
        raise AssertionError(f"{option} {shown}: {error}") from error
    assert getattr(options, option) == shown
    if isinstance(space.ranges[option], FloatDistribution):
        assert shown == pytest.approx(value, rel=0.006)


def values(within):
    """Values of a distribution, its ends among them."""
    if isinstance(within, CategoricalDistribution):
        return st.sampled_from(within.choices)
    number = st.floats if isinstance(within, FloatDistribution) else st.integers
    return number(within.low, within.high)
