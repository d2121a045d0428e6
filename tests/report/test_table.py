import io

import pytest
from rich.console import Console

from qhu.errors import UserError
from qhu.report.run.table import print_summary
from qhu.report.styles import METHODS


def printed(folder):
    text = io.StringIO()
    print_summary(folder, Console(file=text))
    return text.getvalue()


def test_the_table_fits_100_columns_uncut(run_folder):
    lines = printed(run_folder).splitlines()
    table = [line for line in lines if not line.startswith("report:")]
    assert max(map(len, table)) <= 100
    assert not [line for line in table if "…" in line]


def test_rows_begin_with_the_honest_ones(run_folder):
    text = printed(run_folder).split("acc_retain")[1]
    first = [line.split()[0] for line in text.splitlines() if line.strip()]
    rows = [word for word in first if word in ("none", "retrain", "floor", *METHODS)]
    assert rows[:4] == ["none", "retrain", "floor", "finetune"]


def test_what_stands_in_it(run_folder):
    text = printed(run_folder)
    assert "iris: subset (on fake_brisbane)" in text
    assert "iris: class (on fake_brisbane)" in text
    assert "±" in text
    assert "10 seeds" in text
    assert "report.html" in text


def test_it_begins_with_the_verdicts(run_folder):
    lines = printed(run_folder).splitlines()
    assert lines[0] == "iris: subset (on fake_brisbane)"
    assert lines[1].startswith(f"Of {len(METHODS)} methods, ")
    row = next(line for line in lines if line.startswith("gradient_ascent"))
    assert row.split()[1] == "over-forgot"


def test_one_seed(tmp_path, results, write_run):
    text = printed(write_run(tmp_path / "run", results[results["seed"] == 0], seeds=1))
    assert "1 seed (no interval)" in text
    assert "nan" not in text


def test_names_are_no_markup(tmp_path, results, write_run):
    renamed = results.replace({"method": {"lca": "[red]x"}})
    assert "[red]x" in printed(write_run(tmp_path / "run", renamed, seeds=1))


def test_a_folder_without_a_summary(tmp_path):
    with pytest.raises(UserError, match="summary"):
        printed(tmp_path)
