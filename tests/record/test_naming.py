"""Names stay in their folder, apart from each other, and themselves on every page."""

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhu.errors import UserError
from qhu.record.folder import RunFolder
from qhu.record.naming import MAX_LENGTH, check_name, check_point, joined, refuse_names
from qhu.settings.experiment import make_experiment
from qhu.settings.sweep import load_sweep

OUTSIDE = [
    "../x",
    "..",
    ".",
    "/etc/x",
    "a/b",
    "a\\b",
    "C:x",
    "~",
    "a\0b",
    "a\nb",
    "a\n",
    "",
    " a",
    "a ",
]
RESERVED = [
    "NUL",
    "con",
    "Aux.txt",
    "com1",
    "LPT9.x",
    ".hidden",
    "-x",
    "x.",
    "a" * (MAX_LENGTH + 1),
]
ALIKE = ["ﬁnetune", "scrub\u0301", "scr\u200bub", "ｓcrub", "сcrub", "straße"]
PAGES = [
    "$x$",
    "a$b",
    "<b>",
    "a&b",
    'a"b',
    "a'b",
    "{{a}}",
    "{% a %}",
    "50%",
    "*a*",
    "`a`",
    "[a](b)",
    "a|b",
]
CELLS = ["=1+1", "+1", "@SUM(A1)", "\tx", "\rx", "-1+1", "_x", "a,b", "a;b"]
ODD = [*OUTSIDE, *RESERVED, *ALIKE, *PAGES, *CELLS]
USUAL = ["scrub", "SCRUB(+R)", "CF-k1", "subset2pct", "a.b", "0", "ibm_x", "fake_brisbane"]
NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.+()-]{0,20}\Z").filter(lambda t: t[-1] != ".")
MINIMAL = {"name": "tiny", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}


def experiment(**changes):
    return make_experiment({**MINIMAL, **changes}, "x")


@pytest.mark.parametrize("text", USUAL)
def test_usual_names_pass(text):
    assert check_name(text) == text


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize(
    "settings",
    [
        lambda text: {"name": text},
        lambda text: {"scenarios": {text: {"fraction": 0.1}}},
        lambda text: {"methods": {text: {"method": "scrub"}}},
        lambda text: {"stages": {"evaluate": text}},
    ],
    ids=["name", "scenario", "method", "backend"],
)
def test_an_odd_name_is_refused_everywhere_in_one_way(settings, text):
    with pytest.raises(UserError, match=re.escape("a name has the pattern")) as refused:
        experiment(**settings(text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_entry_of_a_backends_file_is_refused(text):
    with pytest.raises(UserError, match="a name has the pattern"):
        refuse_names([text], "backends.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"methods": {"Mine": {"method": "scrub"}, "mine": {"method": "lca"}}},
        {"methods": {"None": {"method": "scrub"}}},
        {"methods": {"oracle": {"method": "scrub"}}},
        {"methods": {"Teacher": {"method": "scrub"}}},
        {"methods": {"floor": {"method": "scrub"}}},
        {"methods": {"none": {"method": "scrub"}}},
        {"methods": {"retrain": {"method": "none"}}},
        {"methods": {True: {"method": "scrub"}}},
        {"scenarios": {"a": {"label": 0}, "A": {"label": 1}}},
    ],
)
def test_labels_that_stand_for_something_else_are_refused(changes):
    with pytest.raises(UserError):
        experiment(**changes)


@given(st.lists(NAMES, min_size=1, max_size=3), st.lists(NAMES, min_size=1, max_size=3))
def test_different_names_make_different_files(first, second):
    assert (joined(first) == joined(second)) == (first == second)


def test_the_model_files_of_different_cells_differ(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.model(0, "b-scrub", "a") != folder.model(0, "scrub", "a-b")
    assert folder.model(0, "scrub", "class").name == "seed0-class-scrub.safetensors"


@given(NAMES)
def test_a_name_is_one_part_of_a_path_on_every_system(text):
    try:
        check_name(text)
    except ValueError:
        return
    for path in (PurePosixPath("a", text), PureWindowsPath("a", text)):
        assert path.parent.name == "a" and path.name == text
    assert not PureWindowsPath(text).is_reserved()


@pytest.mark.parametrize("text", ["-0.5", "1e-05", "3", "cnn"])
def test_values_of_a_sweep_may_be_numbers(text):
    assert check_point(text) == text


@pytest.mark.parametrize(
    "values", ["{../x: 1, b: 2}", "{-1+1: 1, b: 2}", "{a: 1, A: 2}", "[1, '1']"]
)
def test_odd_labels_of_a_sweep_are_refused(tmp_path, values):
    file = tmp_path / "sweep.yaml"
    file.write_text(f"name: x\nsweep: {{question: q, vary: {{model.layers: {values}}}}}\n")
    with pytest.raises(UserError, match="vary"):
        load_sweep(file)
