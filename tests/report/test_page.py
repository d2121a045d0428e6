import re

import pandas as pd
import pytest

from qhu.errors import UserError
from qhu.report.facts import flatten
from qhu.report.run.page import write_report
from qhu.report.statistics import LEVEL


@pytest.fixture(scope="module")
def page(reported):
    return (reported / "report.html").read_text()


def test_one_offline_file_of_moderate_size(page, outline):
    found = outline(page)
    assert "script" not in found.tags
    assert found.sources
    assert page.count("http") == len(found.sources)  # to be clicked, nothing is loaded
    assert "@import" not in page
    assert all(a.startswith("#") or a == "data:," for a in found.addresses)
    assert len(page.encode()) < 3_000_000


def test_ids_are_unique_and_references_lead_somewhere(page, outline):
    found = outline(page)
    assert len(set(found.ids)) == len(found.ids)
    wanted = {a[1:] for a in found.addresses if a.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted <= set(found.ids)


@pytest.mark.parametrize(
    "text",
    [
        "How to read this page",
        "The goal is the oracle, not 0",
        "iris: subset",
        "iris: class",
        "forget a random 10 % of the training rows",
        "forget the whole class 0",
        "What the numbers support",
        "Differences to the honest rows, paired by seed",
        "every metric of this scenario",
        "rows per seed (n)",
        "10 (0–9)",
        "What the figures mean",
        "oracle, class: 10 seeds",
        "rewound_to: 3 to 6; kept: yes",
        "The quantum layer",
        "Towards unbounded machine unlearning",
        "model.head.hidden",
        "Options that took effect",
        "36, 37, 38, 39",
        "circuit executions",
        "packages.qiskit",
        "2025-01-01 10:04:10 UTC",
    ],
)
def test_everything_is_there(page, text):
    assert text in page


def test_every_method_and_seed_count_stands_in_the_tables(page, results):
    whole = page.replace("<wbr>", "")  # where a name may break
    for method in results["method"].unique():
        # in two scenarios scores, differences and the matrix (which leave out the oracle), and
        # every metric, a table for each kind of rows: 4 in subset, 6 in class
        tables = 2 + 10 if method == "retrain" else 6 + 10
        assert whole.count(f"</svg> {method}</th>") == tables


def test_values_are_those_of_the_summary(page, results):
    chosen = results[(results["scenario"] == "subset") & (results["method"] == "scrub")]
    mean = chosen.loc[chosen["metric"] == "acc_retain", "value"].mean()
    assert f">{mean:.3f}<" in page


@pytest.fixture(scope="module")
def few(results):
    """A small run: one scenario, the honest rows and two methods."""
    methods = ["none", "retrain", "floor", "scrub", "lca"]
    return results[(results["scenario"] == "subset") & results["method"].isin(methods)]


def test_text_from_the_run_is_escaped(tmp_path, few, write_run):
    evil = '<img src=x onerror="alert(1)">'
    renamed = few.replace({"method": {"lca": evil}, "scenario": {"subset": evil}})
    folder = write_run(tmp_path / "run", renamed, seeds=1, name=evil)
    text = write_report(folder).read_text()
    assert "<img" not in text
    assert "&lt;img" in text


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_an_unfinished_run_says_so(tmp_path, few, write_run, status):
    some = few[(few["seed"] < 3) | (few["method"] == "none")]
    folder = write_run(tmp_path / "run", some, seeds=1, status=status, finished=None)
    text = write_report(folder).read_text()
    assert f"This run was {status}" in text
    assert "not yet" in text
    assert "3–10 seeds" in text


def test_one_seed_has_no_intervals(tmp_path, few, write_run):
    folder = write_run(tmp_path / "run", few[few["seed"] == 0], seeds=1)
    text = write_report(folder).read_text()
    assert "support no conclusion" in text
    assert not re.search(r"\bnan\b", text)


def test_few_metrics_without_history_or_drawing(tmp_path, few, write_run):
    folder = write_run(tmp_path / "run", few[few["metric"] == "uqi"], seeds=1)
    (folder / "history.jsonl").unlink()
    (folder / "circuit.svg").unlink()
    text = write_report(folder).read_text()
    assert "No training history was recorded" in text
    assert "No drawing of the circuit was recorded" in text


def test_exact_values_stand_beside_those_asked_for_and_have_no_section(tmp_path, few, write_run):
    both = pd.concat([few, few.assign(backend="statevector")])
    text = write_report(write_run(tmp_path / "run", both, seeds=1)).read_text()
    assert re.findall(r'<a href="#s-[^"]*">([^<]*)</a>', text) == ["iris: subset"]
    assert text.count(">Beside the exact values</h3>") == 1
    assert "kl_<wbr>forget on statevector" in text


def test_an_undefined_score_is_not_made_up(tmp_path, few, write_run):
    absent = (few["metric"] == "mia_forget") & (few["method"] == "scrub")
    text = write_report(write_run(tmp_path / "run", few[~absent], seeds=1)).read_text()
    assert "undefined" in text


def test_nothing_is_written_for_a_damaged_run(tmp_path, few, write_run):
    run_folder = write_run(tmp_path / "run", few, seeds=1)
    (run_folder / "circuit.svg").write_text("<svg")
    with pytest.raises(UserError, match="damaged"):
        write_report(run_folder)
    assert not (run_folder / "report.html").exists()


def test_settings_are_flattened_and_worded():
    given = {"a": {"b": [1, 2], "c": {}, "d": None}, "e": True, "f": 0.1 + 0.2, "g": []}
    assert flatten(given) == [
        ("a.b", "1, 2"),
        ("a.c", "defaults"),
        ("a.d", "not set"),
        ("e", "yes"),
        ("f", "0.3"),
        ("g", "none"),
    ]


def test_the_page_names_the_level_that_it_claims_at(page):
    assert f"p &lt; {LEVEL}" in page
    assert "&lt; 0.05" not in page
