import io
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from qhu.errors import UserError
from qhu.report.frames import SUMMARY, read_table
from qhu.report.run.table import print_summary
from qhu.report.styles import METHODS
from qhu.terminal import ScreenColumn, folded, print_table


def printed(folder):
    text = io.StringIO()
    print_summary(folder, Console(file=text))
    return text.getvalue()


def test_every_table_fits_80_columns_uncut(run_folder):
    lines = printed(run_folder).splitlines()
    assert max(len(line) for line in lines if not line.startswith("report:")) <= 80
    assert not any("…" in line for line in lines)


def test_every_score_stands_in_it_under_its_whole_name(run_folder):
    """Of a class, one score of six has a longer name than fits beside the others."""
    summary = read_table(run_folder / "summary.csv", SUMMARY)
    part = summary[(summary["scenario"] == "class") & (summary["method"] == "lca")]
    names = re.findall(r"acc_\w+|kl_\w+|mia_\w+", printed(run_folder).split("iris: class")[1])
    assert {"acc_test_kept", "mia_forget", "kl_forget", "acc_forget"} <= set(names)
    text = printed(run_folder)
    for metric in ("acc_test_kept", "mia_forget"):
        mean = part.loc[part["metric"] == metric, "mean"].iloc[0]
        assert f"{mean:.3f} " in text


@given(
    st.lists(st.text("abc_%é±", min_size=1, max_size=90), min_size=1, max_size=8),
    st.integers(20, 200),
)
def test_no_table_loses_a_character(words, width):
    text = io.StringIO()
    console = Console(file=text, width=width)
    columns = [ScreenColumn(word, [word[::-1]]) for word in words[1:]]
    print_table(ScreenColumn("about", [words[0]], number=False), columns, console)
    assert max(map(len, text.getvalue().splitlines()), default=0) <= min(width, 80)
    shown = Counter("".join(text.getvalue().split()))
    assert not Counter("".join(words[:1] + [w + w[::-1] for w in words[1:]])) - shown


def test_prose_is_folded_between_words_and_paths_stay_whole():
    line = f"ok  ledger: /{'a-b/' * 40}ibm.db: {'25 s used or held, ' * 9}1 request"
    lines = folded(line).splitlines()
    assert " ".join(" ".join(lines).split()) == " ".join(line.split())
    assert all(len(part) <= 80 or part.strip().startswith("/") for part in lines)


def test_rows_begin_with_the_honest_ones(run_folder):
    text = printed(run_folder).split("acc_retain")[1]
    lines = [line.split() for line in text.splitlines() if line.strip()]
    start = next(i for i, words in enumerate(lines) if words[0] == "none")
    assert [words[0] for words in lines[start : start + 4]] == [
        "none",
        "retrain",
        "floor",
        "finetune",
    ]


def test_what_stands_in_it(run_folder):
    text = printed(run_folder)
    assert "iris: subset (on fake_brisbane)" in text
    assert "iris: class (on fake_brisbane)" in text
    assert "±" in text
    assert "10 seeds" in text
    assert "report.html" in text


def test_it_ends_with_the_verdicts(run_folder):
    lines = printed(run_folder).splitlines()
    row = next(line for line in lines if re.match("gradient_ascent +[a-z]", line))
    assert row.split()[1] == "over-forgot"
    heads = [number for number, line in enumerate(lines) if line.startswith("iris: ")]
    assert lines[heads[-1] + 1].startswith(f"Of {len(METHODS)} methods, ")
    assert heads[-1] > lines.index(row)
    assert len(lines) - heads[-2] < 24, "the answer to the last command fits the screen"


def test_in_brief_it_is_the_verdicts_alone(run_folder):
    text = io.StringIO()
    print_summary(run_folder, Console(file=text), brief=True)
    assert printed(run_folder).endswith(text.getvalue())
    assert text.getvalue().startswith("Models were trained and unlearned on statevector;")
    assert "\niris: subset" in text.getvalue()
    assert "acc_retain" not in text.getvalue()


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
