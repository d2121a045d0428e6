import csv
import io

import pytest
from pylatexenc.latex2text import LatexNodes2Text

from qhu.report import tables
from qhu.report.choice import headline
from qhu.report.claims import comparisons
from qhu.report.exports import as_csv, as_latex, as_markdown, table_files
from qhu.report.statistics import judged, summarise
from qhu.report.tables import Table, score_table

METHODS = ["none", "retrain", "floor", "scrub", "random_label"]


@pytest.fixture(scope="module")
def chosen(results):
    return results[(results["scenario"] == "class") & results["method"].isin(METHODS)]


@pytest.fixture(scope="module")
def shown(scores):
    return headline(scores.values())


@pytest.fixture(scope="module")
def compared(chosen, scores):
    return judged(comparisons(chosen, scores.values()))


@pytest.fixture(scope="module")
def main(shown, chosen, scores):
    """The table of the headline scores."""
    return score_table(shown, METHODS, chosen, summarise(chosen, scores))


@pytest.fixture(scope="module")
def differences(compared, chosen):
    return tables.test_table(compared, METHODS, chosen)


def read(text):
    return {line["method"]: line for line in csv.DictReader(io.StringIO(text))}


def test_csv_holds_the_summary_in_full_precision(main, shown, chosen, scores):
    lines = read(as_csv(main))
    by_name = {score.name: score for score in shown}
    assert list(lines) == METHODS
    for (method, metric), rows in summarise(chosen, scores).groupby(["method", "metric"]):
        if metric in by_name and not (method == "retrain" and by_name[metric].relative):
            mean, low = lines[method][metric], lines[method][f"{metric}_ci_low"]
            assert float(mean) == pytest.approx(rows["mean"].iloc[0], rel=1e-12)
            assert float(low) == pytest.approx(rows["ci_low"].iloc[0], rel=1e-12)
    assert lines["retrain"]["kl_test"] == ""  # no distance of the oracle to itself
    assert lines["scrub"]["acc_forget_n"] == "34"


def test_csv_of_differences_has_p_values(differences, compared):
    lines = read(as_csv(differences))
    for one, table in compared.items():
        for _, row in table.iterrows():
            p = lines[row["method"]].get(f"{one.metric}-{one.reference}_p")
            assert float(p or "nan") == pytest.approx(row["p_holm"], nan_ok=True)


def test_markdown_is_a_table_of_even_width(main, shown):
    lines = as_markdown(main).split("\n\n")[0].splitlines()
    assert len(lines) == 3 + len(METHODS)
    assert {line.count("|") for line in lines} == {len(shown) + 3}
    assert lines[2].startswith("| rows per seed (n) |  | 92 | 34 |")
    assert all(cell.endswith("] ") for cell in lines[3].split("|")[3:-1])


def test_stars_stand_where_the_test_sets_apart(differences):
    body = as_markdown(differences).splitlines()[3:]
    for row, line in zip(differences.rows, body, strict=False):
        for cell, text in zip(row.cells, line.split("|")[3:], strict=False):
            assert text.strip().endswith("*") == cell.stands_out


def test_latex_is_booktabs_and_says_the_same(main, differences):
    for table in (main, differences):
        text = as_latex(table)
        for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lrr"):
            assert rule in text
        assert "random_label" not in text.split("\\begin")[1]  # a bare underscore stops LaTeX
        body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
        markdown = as_markdown(table).splitlines()[2 : 2 + len(body)]
        for line, same in zip(body, markdown, strict=True):
            cells = line.removesuffix(r" \\").split(" & ")
            plain = [LatexNodes2Text().latex_to_text(cell).strip() for cell in cells]
            wanted = [cell.strip() for cell in same.strip("|").split("|")]
            assert plain == [cell.replace("−", "-") for cell in wanted]


def test_names_cannot_break_a_table(chosen, scores):
    renamed = chosen.replace({"method": {"scrub": "a|b & c_d%"}})
    summary = summarise(renamed, scores)
    table = score_table([scores["acc_test"]], ["a|b & c_d%"], renamed, summary)
    assert r"a\|b" in as_markdown(table)
    assert r"c\_d\%" in as_latex(table)
    assert r"\& c" in as_latex(table)


def test_an_empty_table_has_no_files():
    assert not list(table_files("x", Table([], [])))
