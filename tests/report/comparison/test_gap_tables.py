"""Tables of a comparison have no column, and no p-value, that says nothing."""

import numpy as np
import pandas as pd
import pytest

from qhu.report.comparison import gaps
from qhu.report.comparison.tables import gap_table, parts_table, qubit_table
from qhu.report.statistics import Estimate, judged

SEEDS = 8


@pytest.fixture
def tests():
    """Gate noise makes the gap of the accuracy; the other score and parts have none."""
    rows = []
    for method in ("scrub", "lca"):
        noise = np.random.default_rng(len(method)).normal(0, 0.01, SEEDS)
        for seed in range(SEEDS):
            rows.append(("s", method, seed, "acc_test", noise[seed], 0.0, noise[seed]))
            rows.append(("s", method, seed, "acc_forget", 0.0, 0.0, 0.0))
    table = pd.DataFrame(
        rows, columns=["scenario", "method", "seed", "metric", "gap", "zero", "gate_noise"]
    )
    parts = dict.fromkeys(gaps.QUANTITIES, table["zero"])
    parts |= dict.fromkeys(("gap", "gate_noise", "modelled"), table["gap"])
    keys = table.set_index(["scenario", "method", "seed", "metric"]).index
    differences = pd.DataFrame({name: own.to_numpy() for name, own in parts.items()}, index=keys)
    return judged({"page": gaps.tested_gaps(differences[gaps.QUANTITIES])})["page"]


@pytest.fixture
def counted(tests):
    return pd.DataFrame({"metric": ["acc_test", "acc_forget"], "n": [30, 10]})


def test_a_score_without_any_gap_is_said_once(tests, counted, scores):
    chosen = [scores["acc_test"], scores["acc_forget"]]
    found = gap_table(chosen, ["scrub", "lca"], tests, counted)
    assert [head.metric for head in found.table.columns] == ["acc_test"]
    assert found.note == "8 seeds. No difference shown in any. 0.000 throughout: acc_forget."


def test_parts_that_are_nothing_or_the_gap_again_are_said_once(tests, counted, scores):
    found = parts_table(scores["acc_test"], ["scrub", "lca"], tests, counted)
    assert [head.metric for head in found.table.columns] == ["gap"]
    assert "0.000 throughout: readout error, shot noise, drift." in found.note
    assert "gate noise: as gap. sum of the three: as gap." in found.note


def test_a_p_value_of_1_is_not_shown(tests, counted, scores):
    found = gap_table([scores["acc_test"]], ["scrub", "lca"], tests.assign(p_holm=1.0), counted)
    assert {cell.p_in_words for row in found.table.rows for cell in row.cells} == {""}
    small = gap_table([scores["acc_test"]], ["scrub", "lca"], tests.assign(p_holm=0.5), counted)
    assert {c.p_in_words for row in small.table.rows for c in row.cells} == {"p = 0.500"}


def test_lines_of_qubits_do_not_repeat_the_number_of_seeds():
    line = dict.fromkeys(("slope", "offset", "scatter"), Estimate(0.5, 0.4, 0.6, SEEDS))
    head, *rows = qubit_table({0: line, 1: line})
    assert head == ["qubit", "slope", "offset", "scatter"]
    assert all(len(row) == len(head) for row in rows)
