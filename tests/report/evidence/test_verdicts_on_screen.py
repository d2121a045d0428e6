import io

import pytest
from evidence_studies import make_study
from rich.console import Console

from qhu.report.evidence.terminal import print_verdicts


@pytest.fixture
def printed(tmp_path):
    def printed(**changes):
        text = io.StringIO()
        print_verdicts(make_study(tmp_path / "iris", **changes), Console(file=text))
        return text.getvalue()

    return printed


def test_the_answer_comes_last_in_80_columns(printed):
    lines = printed().splitlines()
    shown = [line for line in lines if not line.startswith("report:")]
    assert max(map(len, shown)) <= 80
    heads = [number for number, line in enumerate(lines) if line == "iris: random"]
    assert lines[heads[-1] + 1].startswith("Of 23 methods, ")
    assert lines.index("iris: random") < heads[-1]
    assert not any("…" in line for line in shown)


def test_long_names_are_whole_and_are_no_markup(printed):
    name = "[red]x" + "_long" * 9
    lines = printed(methods=[name], scenarios=1).splitlines()
    assert any(line.startswith(name) for line in lines)
    assert max(map(len, lines[:-1])) <= 80


def test_it_ends_with_the_page(printed):
    assert printed(scenarios=1, methods=["eu_k"]).splitlines()[-1].endswith("evidence.html")
