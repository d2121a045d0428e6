"""The methods at a glance: every sign against the verdicts and tests that it stands for."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from qhu.record.scores import Reading, score_of
from qhu.report.run.page import write_report
from qhu.report.run.sections import sections
from qhu.report.statistics import summarise
from qhu.report.tables import Compared

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


@pytest.fixture
def seen(scores_of):
    def seen(results):
        return sections(
            results, summarise(results, scores_of(results)), scores_of(results), NO_FACTS
        )[0]

    return seen


def test_planted_methods_get_their_signs(seen):
    rows = {row.method: row for row in seen(table(planted())).matrix.rows}
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


def test_signs_agree_with_the_verdicts_and_tests_of_the_page(results, scores):
    for section in sections(results, summarise(results, scores), scores, NO_FACTS):
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


def test_rows_go_from_the_nearest_to_the_farthest_and_ties_are_marked(seen, scores_of):
    results = table(planted())
    values = results[results["metric"] == "kl_forget"].groupby("method")["value"].mean()
    section = seen(results)
    rows = section.matrix.rows
    means = [values[row.method] for row in rows]
    assert means == sorted(means)
    texts = [row.distance.value for row in rows]
    ties = [False, *(own == above for above, own in pairwise(texts))]
    assert [row.tied for row in rows] == ties
    assert section.strip.drawing.name == "subset-strip-kl_forget"
    labels = [label.get_text() for label in section.strip.drawing.figure.axes[0].get_yticklabels()]
    assert labels == [row.method for row in rows]


def test_equal_distances_are_tied(seen):
    values = planted()
    values["kl_forget"]["ssd"] = values["kl_forget"]["eu_k"]
    rows = {row.method: row for row in seen(table(values)).matrix.rows}
    assert rows["eu_k"].tied != rows["ssd"].tied


def test_what_is_no_farther_than_the_floor_was_tested(seen, scores_of):
    """An independent one-sided test at 5 % of the paired differences."""
    from scipy import stats

    values = planted()
    section = seen(table(values))
    floor = values["kl_forget"]["floor"]
    for row in section.matrix.rows:
        if row.method in ("floor", "scrub"):
            continue
        difference = values["kl_forget"][row.method] - floor
        shown = stats.ttest_1samp(difference, 0, alternative="less").pvalue < 0.05
        assert (row.near.sign == "✓") == shown, row.method


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
    (section,) = sections(
        results, summarise(results, {score.name: score}), {score.name: score}, NO_FACTS
    )
    assert [(row.method, row.near.sign) for row in section.matrix.rows] == [
        ("eu_k", "✓"),
        ("floor", ""),
        ("lca", "✗"),
    ]
    assert Compared(score, "floor").metric == "like_forget"


def test_what_was_not_measured_says_so(seen):
    values = planted()
    only = {"acc_test": values["acc_test"]}
    section = seen(table(only))
    assert section.answer is None
    for row in section.matrix.rows:
        assert row.forgot.words == row.private.words == row.near.words == "not measured"
        assert row.distance.value == "–"
    assert section.matrix.heads == {"forgot": "", "kept": "acc_test", "private": "", "distance": ""}


def text_of(cell):
    """What a screen reader reads: text that is not hidden from it."""
    seen = re.sub(r'<span aria-hidden="true">.*?</span>', "", cell)
    return " ".join(re.sub(r"<[^>]+>", "", seen).split())


def test_every_sign_can_be_read_aloud(reported, results, scores):
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
    many = pd.concat([few.assign(scenario=f"s{number}") for number in range(5)])
    page = write_report(write_run(tmp_path / "run", many, seeds=1)).read_text()
    assert page.count('class="lead sentence"') == 5
    assert not re.search(r"\bnan\b", page)


def test_tables_lead_with_the_distance(results, scores):
    """A telephone shows a column or two."""
    for section in sections(results, summarise(results, scores), scores, NO_FACTS):
        assert section.scores.columns[0].metric == "kl_forget"
        assert section.tests.columns[0].metric == "kl_forget − floor"
        names = [column.metric for column in section.scores.columns]
        assert len(set(names)) == len(names) and "acc_retain" in names
