import pickle

import pytest
from pydantic import Field

from qhu.errors import QhuError, UnknownName, UserError
from qhu.record.scores import Reading
from qhu.registry import MetricRegistry, Options, Registry


class Knobs(Options):
    alpha: float = Field(0.5, ge=0, le=1)


@pytest.fixture
def things():
    registry = Registry("method", "qhu.data")
    registry._loaded = True

    @registry("scrub")
    def scrub(student, options: Knobs):
        """Forget by scrubbing.

        More words.
        """

    return registry


def test_an_entry_knows_its_options_and_its_summary(things):
    assert things["scrub"].summary == "Forget by scrubbing."
    assert things.options("scrub", {"alpha": 0.25}) == Knobs(alpha=0.25)
    assert things.options("scrub", None) == Knobs()


def test_an_unknown_name_offers_the_nearest(things):
    with pytest.raises(UnknownName, match="unknown method 'scrubb': did you mean 'scrub'"):
        things["scrubb"]


def test_an_unknown_option_offers_the_nearest(things):
    with pytest.raises(UnknownName, match="'alhpa': did you mean 'alpha'"):
        things.options("scrub", {"alhpa": 1})


@pytest.mark.parametrize("value", [1.5, "much", float("nan"), None])
def test_a_wrong_value_is_one_line_naming_the_option(things, value):
    with pytest.raises(UserError, match=r"^method 'scrub': alpha: [^\n]*$"):
        things.options("scrub", {"alpha": value})


def test_a_duplicate_from_another_module_is_refused(things):
    def other(student, options: Knobs):
        """Another scrub."""

    other.__module__ = "elsewhere"
    with pytest.raises(QhuError, match="defined twice"):
        things("scrub")(other)


def test_an_unknown_name_travels_between_processes():
    error = UnknownName("method", "scrubb", {"scrub", "lca"})
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert "did you mean 'scrub'" in str(error)


@pytest.fixture
def metrics():
    registry = MetricRegistry("metric", "qhu.metrics")
    registry._loaded = True
    registry("usual", reads=Reading(title="usual", against="retrain"))(print)
    registry("asked", reads=Reading(title="asked", against=None), on_request=True)(print)
    return registry


def test_a_metric_that_does_not_say_how_it_is_read_is_refused():
    with pytest.raises(
        UserError, match=r"metric 'm' of builtins .*reads=qhu\.Reading\(title='…', against="
    ):
        MetricRegistry("metric", "qhu.metrics")("m")(print)


def test_what_is_on_request_is_chosen_by_its_name_only(metrics):
    assert metrics.names() == ["asked", "usual"]
    assert metrics.chosen() == ["usual"]
    assert metrics.chosen(["asked"]) == ["asked"]
    assert metrics["asked"].summary.endswith(" On request only.")
    assert metrics["usual"].summary.endswith(" Read against retrain.")


@pytest.mark.parametrize("name", ["../x", "Scrub", "$x$", "=1", "NUL", "a b"])
def test_a_name_that_paths_or_pages_cannot_hold_is_not_registered(things, name):
    with pytest.raises(UserError, match=r"a name has the pattern|differ in case only"):

        @things(name)
        def stranger(student, task, options):
            """Nothing."""

    assert name not in things.names()


def test_a_score_that_tables_cannot_hold_is_not_registered():
    with pytest.raises(UserError, match="a name has the pattern"):
        reads = {"=score": Reading(title="t", against="retrain")}
        MetricRegistry("metric", "qhu.metrics")("stranger", reads=reads)(lambda evidence: {})
