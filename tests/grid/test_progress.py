"""How far a grid is: lines where there is no terminal, one display in a notebook."""

import io
import re
import time

import pytest
from rich.console import Console

from qhu.grid import progress
from qhu.grid.execute import Step, one_by_one
from qhu.grid.progress import Counted, shown


def steps(work, count=3):
    return [Step(None, "training", str(n), work, n) for n in range(count)]


def titles(listed):
    return {step: step.title for step in listed}


def test_lines_count_what_has_ended():
    now = [100.0]
    counted = Counted({"training": 2, "unlearning": 40}, clock=lambda: now[0])
    changes = []
    counted.changed = lambda: changes.append(counted.line())
    assert counted.line() == "0 s: training 0/2, unlearning 0/40"
    now[0] += 59.9
    counted.advance("training")
    assert counted.line() == "59 s: training 1/2, unlearning 0/40"
    counted.advance("training")
    now[0] += 125
    counted.advance("unlearning")
    assert changes == [
        "59 s: training 1/2, unlearning 0/40",
        "3 min: training 2/2, unlearning 1/40",
    ], "two at once are one change"


def test_without_a_terminal_a_long_step_is_not_silent(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.01)
    file = io.StringIO()
    console = Console(file=file, width=20)

    def work(study, number):
        seen, until = file.getvalue().count("\n"), time.monotonic() + 60
        while file.getvalue().count("\n") < seen + 2 and time.monotonic() < until:
            time.sleep(0.01)

    listed = steps(work)
    assert [step for step, _ in shown(one_by_one, listed, titles(listed), console)] == listed
    lines = file.getvalue().splitlines()
    assert len(lines) >= 7
    assert all(re.fullmatch(r"\d+ s: training [0-3]/3", line) for line in lines)
    assert lines[0].endswith("0/3") and lines[-1].endswith("3/3")


def test_nothing_to_do_is_silent():
    file = io.StringIO()
    assert not list(shown(one_by_one, [], {}, Console(file=file)))
    assert file.getvalue() == ""


def test_a_terminal_has_bars():
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    listed = steps(lambda study, number: number)
    assert len(list(shown(one_by_one, listed, titles(listed), console))) == 3
    assert "3/3" in file.getvalue() and "━" in file.getvalue()


@pytest.mark.slow
def test_a_notebook_has_one_display(tiny):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    cell = nbformat.v4.new_code_cell("import qhu\nrun = qhu.run('tiny.yaml', out='here')")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(notebook, timeout=300).execute()
    displays = [o for o in cell.outputs if o.output_type == "display_data"]
    assert len(displays) == 1
    assert re.fullmatch(
        r"\d+ (s|min): training 5/5, references \d+/\d+, unlearning 20/20",
        displays[0].data["text/plain"],
    )
    texts = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    assert "data: 150 rows" in texts and "5/5" not in texts
