"""The methods at a glance: every sign against the verdicts and tests that it stands for."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qhu.record.scores import Reading, score_of
from qhu.report.run.matrix import matrix
from qhu.report.run.page import write_report
from qhu.report.run.sections import sections
from qhu.report.run_tests import page_tests
from qhu.report.statistics import summarise

NO_FACTS = pd.DataFrame(columns=["scenario", "method", "steps", "seconds"])
COLUMNS = ["dataset", "scenario", "method", "seed", "backend", "metric", "value", "n"]


def around(mean, spread, number, seeds=20):
    return mean + spread * np.random.default_rng(number).standard_normal(seeds)


def table(values, n=40):
    rows = [
        ("iris", "subset", method, seed, "statevector", metric, value, n)
        for metric, by_method in values.items()
        for method, its in by_method.items()
        for seed, value in enumerate(its)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def planted():
    """Perfect (eu_k), untouched (none), leaking, useless, far, and vague methods."""
    means = {  # accuracy on forget rows, attack, accuracy on test rows, distance
        "retrain": (0.5, 0.5, 0.9, 0.0),
        "floor": (0.5, 0.5, 0.9, 0.2),
        "none": (0.9, 0.9, 0.9, 2.0),
        "eu_k": (0.5, 0.5, 0.9, 0.1),
        "finetune": (0.5, 0.9, 0.9, 0.2),
        "ssd": (0.5, 0.2, 0.9, 0.2004),
        "lca": (0.1, 0.5, 0.2, 3.0),
    }
    scores = ("acc_forget", "mia_forget", "acc_test", "kl_forget")
    values = {
        score: {
            method: around(its[place], 0.01 if its[place] else 0, 10 * number + place)
            for number, (method, its) in enumerate(means.items())
        }
        for place, score in enumerate(scores)
    }
    for score, its in values.items():  # one whose seeds say nothing
        its["scrub"] = around(means["retrain"][scores.index(score)] + 0.06, 0.4, 99)
    return values


@pytest.fixture(scope="module")
def drawn(results, scores):
    """The sections of the synthetic run."""
    return sections(results, summarise(results, scores), scores, NO_FACTS)


def seen(results, scores):
    """The matrix of the results of one scenario."""
    (tests,) = page_tests(results, scores).values()
    return matrix(list(scores.values()), results, summarise(results, scores), tests)


@pytest.fixture
def rows_of(scores_of):
    """Rows of the matrix by method, from values by score and method."""

    def rows_of(values):
        results = table(values)
        return {row.method: row for row in seen(results, scores_of(results)).rows}

    return rows_of


def test_planted_methods_get_their_signs(rows_of):
    rows = rows_of(planted())
    signs = {
        method: [row.forgot.sign, row.kept.sign, row.private.sign, row.near.sign]
        for method, row in rows.items()
    }
    assert signs["eu_k"] == ["✓", "✓", "✓", "✓"]
    assert signs["none"] == ["✗", "✓", "✗", "✗"]
    assert signs["finetune"][:3] == ["✓", "✓", "✗"]
    assert signs["lca"] == ["✗", "✗", "✓", "✗"]
    assert signs["floor"] == ["✓", "✓", "✓", ""]
    assert [rows["finetune"].private.words, rows["ssd"].private.words] == ["leaks", "stands out"]
    assert [rows["none"].forgot.words, rows["lca"].forgot.words] == [
        "did not forget",
        "over-forgot",
    ]
    row = rows["scrub"]
    assert {row.forgot.words, row.kept.words, row.private.words} == {"not shown"}
    assert "retrain" not in rows


def test_signs_agree_with_the_verdicts_and_tests_of_the_page(drawn):
    for section in drawn:
        verdicts = {row.method: row for row in section.answer.table.rows}
        assert {row.method for row in section.matrix.rows} == set(verdicts)
        for row in section.matrix.rows:
            own = verdicts[row.method]
            assert row.verdict == own.verdict
            assert (row.forgot.kind == row.private.kind == "yes") == (
                own.verdict == "indistinguishable"
            )
            words = {"kept": "kept", "lost": "lost", "cannot tell": "not shown"}
            assert row.kept.words == words[own.kept]
            if own.verdict in ("did not forget", "over-forgot"):
                assert "no" in (row.forgot.kind, row.private.kind)


def test_rows_go_from_the_nearest_to_the_farthest_and_ties_are_marked(drawn, results):
    for section in drawn:
        own = results[(results["scenario"] == section.scenario)]
        values = own[own["metric"] == "kl_forget"].groupby("method")["value"].mean()
        rows = section.matrix.rows
        means = [values[row.method] for row in rows]
        assert means == sorted(means)
        texts = [row.distance.value for row in rows]
        ties = [False, *(value == above for above, value in pairwise(texts))]
        assert [row.tied for row in rows] == ties
        assert section.strip.drawing.name == f"{section.name}-strip-kl_forget"
        labels = section.strip.drawing.figure.axes[0].get_yticklabels()
        assert [label.get_text() for label in labels] == [row.method for row in rows]


def test_equal_distances_are_tied(rows_of):
    values = planted()
    values["kl_forget"]["ssd"] = values["kl_forget"]["eu_k"]
    rows = rows_of(values)
    assert rows["eu_k"].tied != rows["ssd"].tied


def test_what_is_no_farther_than_the_floor_was_tested(rows_of):
    """An independent one-sided test at 5 % of the paired differences."""
    values = planted()["kl_forget"]
    for method, row in rows_of(planted()).items():
        if method not in ("floor", "scrub"):
            difference = values[method] - values["floor"]
            shown = stats.ttest_1samp(difference, 0, alternative="less").pvalue < 0.05
            assert (row.near.sign == "✓") == shown, method


def test_a_similarity_goes_the_other_way():
    """A plugin's score that is larger where a model is closer to the oracle."""
    reading = Reading(
        title="likeness",
        against="floor",
        better="higher",
        span=(0, 1),
        headline=("forget",),
        claimed=("forget",),
    )
    score = score_of("like_forget", "like", {"like": reading}, "likeness")
    values = {"floor": around(0.7, 0.01, 1), "eu_k": around(0.9, 0.01, 2)}
    values["lca"] = around(0.2, 0.01, 3)
    results = table({"like_forget": values})
    rows = seen(results, {score.name: score}).rows
    assert [(row.method, row.near.sign) for row in rows] == [
        ("eu_k", "✓"),
        ("floor", ""),
        ("lca", "✗"),
    ]


def test_what_was_not_measured_says_so(scores_of):
    results = table({"acc_test": planted()["acc_test"]})
    shown = seen(results, scores_of(results))
    for row in shown.rows:
        assert row.forgot.words == row.private.words == row.near.words == "not measured"
        assert (row.distance.value, row.verdict) == ("–", "")
    assert shown.heads == {"forgot": "", "kept": "acc_test", "private": "", "distance": ""}


def text_of(cell):
    """What a screen reader reads: text that is not hidden from it."""
    seen = re.sub(r'<span aria-hidden="true">.*?</span>', "", cell)
    return " ".join(re.sub(r"<[^>]+>", "", seen).split())


def test_every_sign_can_be_read_aloud(reported):
    page = (reported / "report.html").read_text()
    words = {"forgot", "did not forget", "over-forgot", "kept", "lost", "private", "leaks"}
    words |= {"stands out", "not shown", "not measured"}
    tables = re.findall(r'<table class="scores matrix">(.*?)</table>', page, re.DOTALL)
    assert len(tables) == 2
    for text in tables:
        body = text.split("<tbody>")[1]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            assert len(cells) == 4
            assert set(map(text_of, cells[:3])) <= words
            assert re.search(r"(floor|not shown|not measured)$", text_of(cells[3]))


def test_the_first_screen_answers_before_anything_else(reported):
    page = (reported / "report.html").read_text()
    header = page[page.index("<h1>") : page.index("</header>")]
    assert len(re.findall(r'<p class="lead sentence">', header)) == 2
    assert header.index('class="lead sentence"') < header.index('class="facts"')
    assert header.rindex("<details>") < header.index('class="facts"')
    assert page.index('class="scores matrix"') < page.index('id="reading"')


def test_many_scenarios_of_one_method_and_one_seed(tmp_path, results, write_run):
    few = results[results["method"].isin(["none", "retrain", "floor", "scrub"])]
    few = few[(few["seed"] == 0) & (few["scenario"] == "subset") & (few["metric"] == "acc_forget")]
    many = pd.concat([few.assign(scenario=f"s{number}") for number in range(3)])
    page = write_report(write_run(tmp_path / "run", many, seeds=1)).read_text()
    assert page.count('class="lead sentence"') == 3
    assert not re.search(r"\bnan\b", page)


def test_tables_lead_with_the_distance(drawn):
    """A telephone shows a column or two."""
    for section in drawn:
        assert section.scores.columns[0].metric == "kl_forget"
        assert section.tests.columns[0].metric == "kl_forget − floor"
        names = [column.metric for column in section.scores.columns]
        assert len(set(names)) == len(names) and "acc_retain" in names
