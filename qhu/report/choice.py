"""Which scores a page shows, tests and draws, from what their metrics declare."""

from collections.abc import Iterable, Mapping

from qhu.errors import UserError
from qhu.record.scores import Score


def headline(scores: Iterable[Score]) -> list[Score]:
    """Those of the main table and the figures."""
    return _by_class(score for score in scores if score.headline)


def claimed(scores: Iterable[Score]) -> list[Score]:
    """Those that methods are tested in, and that sentences are about."""
    return _by_class(score for score in scores if score.claimed)


def _by_class(scores: Iterable[Score]) -> list[Score]:
    """Without scores of all test rows where those of kept classes stand beside them.

    In a class scenario, all test rows mix what is to be kept and what is to be forgotten.
    """
    chosen = list(scores)
    parted = {score.stem for score in chosen if score.rows == "test_kept"}
    return [score for score in chosen if score.rows != "test" or score.stem not in parted]


def forget_first(scores: Iterable[Score]) -> list[Score]:
    """Scores of forget rows before all others: what a narrow screen shows first."""
    return sorted(scores, key=lambda score: score.rows != "forget")


def merged(runs: Mapping[str, Mapping[str, Score]]) -> dict[str, Score]:
    """The scores of several runs.

    Args:
        runs: by what a run is called, its scores by name.

    Raises:
        UserError: a score is read in two ways.
    """
    scores: dict[str, Score] = {}
    for run, its in runs.items():
        for name, score in its.items():
            if scores.setdefault(name, score) != score:
                raise UserError(
                    f"{run} reads the score {name} in another way than the runs before it: "
                    "run all of them with one version of the metric"
                )
    return scores
