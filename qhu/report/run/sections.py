"""What the page shows of one dataset, scenario and backend: tables, figures, sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qhu.record.scores import ROWS, Score
from qhu.report.answer import ScenarioAnswer, UnlearningCost, answer
from qhu.report.choice import headline
from qhu.report.claims import Statement
from qhu.report.frames import TOOK
from qhu.report.panels import Panel, numbered, slug
from qhu.report.run.figures import forest_panels, metric_panels, strip_panel
from qhu.report.run.matrix import Matrix, distance_score, matrix
from qhu.report.run.reading import statements
from qhu.report.run_tests import Key, Tests, by_section, page_tests, scores_in
from qhu.report.run_verdicts import equivalent, fewest_rows, verdict_table
from qhu.report.styles import in_order
from qhu.report.tables import Table, score_table, test_table


@dataclass(frozen=True)
class ScenarioSection:
    """One dataset, scenario and backend; ``name`` is unique, in links and in file names."""

    name: str
    dataset: str
    scenario: str
    backend: str
    answer: ScenarioAnswer | None
    matrix: Matrix
    strip: Panel | None
    reading: list[Statement]
    forests: list[Panel]
    panels: list[Panel]
    scores: Table
    tests: Table
    everything: list[tuple[str, Table]]

    @property
    def title(self) -> str:
        """What it is about, without the backend."""
        return f"{self.dataset}: {self.scenario}"


def _costs(facts: pd.DataFrame, scenario: str) -> dict[str, UnlearningCost]:
    """What each method took in a scenario, means over the seeds."""
    chosen = facts[facts["scenario"] == scenario]
    means = chosen.groupby("method")[TOOK].mean().astype(float)
    return dict(
        zip(
            map(str, means.index), map(UnlearningCost._make, means.to_numpy().tolist()), strict=True
        )
    )


def answered(results: pd.DataFrame, tests: Tests, facts: pd.DataFrame) -> ScenarioAnswer | None:
    """What the tests of a section come to; None where none is of the forget rows.

    Args:
        results: rows of ``results.csv`` of the section.
        tests: of the section.
        facts: :attr:`~qhu.report.frames.RunFiles.facts` of the run.
    """
    costs = _costs(facts, results["scenario"].iloc[0])
    verdicts = verdict_table(tests, fewest_rows(results), costs)
    return answer(verdicts, equivalent(tests), "floor") if verdicts else None


def answers(
    results: pd.DataFrame, scores: Mapping[str, Score], facts: pd.DataFrame
) -> dict[Key, ScenarioAnswer | None]:
    """The answer of every section of a run's page; arguments as of :func:`sections`."""
    tests = page_tests(results, scores)
    return {key: answered(rows, tests[key], facts) for key, rows in by_section(results).items()}


def heading(dataset: str, scenario: str, backend: str) -> str:
    """What a section is about, in one line."""
    return f"{dataset}: {scenario} (on {backend})"


def sections(
    results: pd.DataFrame,
    summary: pd.DataFrame,
    scores: Mapping[str, Score],
    facts: pd.DataFrame,
) -> list[ScenarioSection]:
    """One section per dataset, scenario and backend, in the order of the results.

    What they claim is corrected over all of them together.
    """
    tests, summaries = page_tests(results, scores), by_section(summary)
    names = numbered(slug(str(scenario)) or "section" for _, scenario, _ in tests)
    page_sections = []
    for name, (key, rows) in zip(names, by_section(results).items(), strict=True):
        present = scores_in(rows, scores)
        page_sections.append(_section(name, rows, summaries[key], present, tests[key], facts))
    return page_sections


def _section(
    name: str,
    results: pd.DataFrame,
    summary: pd.DataFrame,
    present: Sequence[Score],
    tests: Tests,
    facts: pd.DataFrame,
) -> ScenarioSection:
    reply = answered(results, tests, facts)
    methods = in_order(results["method"])
    seen = matrix(present, results, summary, tests)
    telling = distance_score(present)  # its column comes first, where a telephone shows it
    tested = sorted(tests, key=lambda compared: compared.score != telling)
    first = results.iloc[0]
    return ScenarioSection(
        name=name,
        dataset=first["dataset"],
        scenario=first["scenario"],
        backend=first["backend"],
        answer=reply,
        matrix=seen,
        strip=strip_panel(name, present, results, summary, seen),
        reading=statements(tests),
        forests=forest_panels(name, reply.table.rows, tests) if reply else [],
        panels=metric_panels(name, present, results, summary),
        scores=score_table(
            sorted(headline(present), key=lambda score: score != telling),
            methods,
            results,
            summary,
        ),
        tests=test_table({compared: tests[compared] for compared in tested}, methods, results),
        everything=[
            (words, score_table(its, methods, results, summary))
            for words, its in _by_rows(present).items()
        ],
    )


def _by_rows(scores: Sequence[Score]) -> dict[str, list[Score]]:
    """Scores by the rows that they are taken on, in words: one table of all would fit no paper."""
    groups: dict[str, list[Score]] = {}
    for rows, words in {**ROWS, "": "other scores"}.items():
        if its := [score for score in scores if score.rows == rows]:
            groups[words] = its
    return groups
