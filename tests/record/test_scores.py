"""How scores are read: what may be declared, and what follows from it."""

import pytest
from pydantic import ValidationError

from qhu.record.scores import ROWS, Reading, Score, score_of
from qhu.record.store import Store
from qhu.settings.experiment import load_experiment
from qhu.study import Study


def read(name="far_test", **changes):
    """A score of a metric with one reading."""
    declared = {"title": "distance (m)", "against": "floor", "better": "lower"} | changes
    return score_of(name, "far", {"far": Reading(**declared)}, "How far.")


def test_a_name_is_a_metric_and_the_rows_it_is_taken_on():
    score = read("far_test_kept")
    assert (score.name, score.metric, score.rows) == ("far_test_kept", "far", "test_kept")
    assert score.title == "distance (m), test rows, kept classes"
    assert (read("far").rows, read("far").title) == ("", "distance (m)")
    assert read("far_elsewhere") is None
    assert read("near_test") is None


def test_the_longest_name_declared_counts():
    reads = {
        "far": Reading(title="far", against="retrain"),
        "far_test": Reading(title="far away", against=0),
    }
    assert score_of("far_test", "far", reads, "").title == "far away"
    assert score_of("far_forget", "far", reads, "").title == "far, forget rows"


@pytest.mark.parametrize(
    ("changes", "reference", "relative", "above", "below"),
    [
        ({}, "floor", True, "farther from the oracle", "closer to the oracle"),
        ({"better": "higher"}, "floor", True, "closer to the oracle", "farther from the oracle"),
        ({"against": "retrain", "better": None}, "retrain", False, "above", "below"),
        ({"against": "retrain"}, "retrain", False, "above, worse", "below, better"),
        ({"against": 0, "better": None}, "retrain", True, "above", "below"),
        ({"against": None}, None, False, "above, worse", "below, better"),
        (
            {"against": "retrain", "better": None, "words": {"test": ("", "damaged")}},
            "retrain",
            False,
            "above",
            "below, damaged",
        ),
    ],
)
def test_what_is_said_follows_from_direction_and_reference(
    changes, reference, relative, above, below
):
    score = read(**changes)
    assert (score.reference, score.relative) == (reference, relative)
    assert (score.above, score.below) == (above, below)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"better": None}, "which values are better"),
        ({"against": None, "headline": ["test"], "claimed": ["test"]}, "a row to be read against"),
        ({"claimed": ["test"]}, "among those of the headline"),
        ({"headline": ["tset"]}, "no such subset: tset; there are retain"),
        ({"tradeoff": True}, "span is"),
        ({"against": "none"}, "against"),
        ({"titel": "x"}, "titel"),
    ],
)
def test_a_reading_that_cannot_be_followed_is_refused(changes, why):
    with pytest.raises(ValidationError, match=why):
        read(**changes)


def test_it_comes_back_from_json():
    for score in (read(span=(0, None)), read(against=0), read(against=None)):
        assert Score.model_validate_json(score.model_dump_json()) == score


def test_every_subset_of_a_study_has_words(tiny):
    study = Study(load_experiment(tiny), Store(tiny.parent / "store"))
    assert set(study.partition(0, "class").subsets()) == set(ROWS)
