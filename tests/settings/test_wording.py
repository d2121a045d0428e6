"""What is said of a wrong setting: plain words, of whom made the mistake, and no more than that."""

import re

import pytest
import yaml
from pydantic_core import _pydantic_core as core

from qhu.errors import UserError
from qhu.registry import Options, parse
from qhu.registry.wording import KINDS, SENTENCES, sentence
from qhu.settings.experiment import load_experiment, make_experiment

THEIRS = re.compile(
    r"Input should|should be|should have|Field required|Extra inputs|not permitted|unable to parse|"
    r"valid (integer|number|string|boolean|dictionary|list|tuple)|Value error|instance of|\{|None"
)
"""Phrases of pydantic's, and what is left of a template."""
ERRORS = {error["type"]: error for error in core.list_all_errors()}
MINIMAL = {"name": "tiny", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_pydantic_has_plain_words(kind):
    context = {name: f"<{name}>" for name in ERRORS[kind].get("example_context") or {}}
    words = sentence(kind, context)
    assert not THEIRS.search(words.replace("such as {key: value}", "")), words
    assert "another value" not in words and words != ERRORS[kind]["message_template_python"]
    needed = {"gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "expected"}
    assert all(f"<{name}>" in words for name in needed & context.keys())


def test_no_words_are_left_over():
    assert set(SENTENCES) <= set(ERRORS)
    assert all(any(kind.startswith(word) for kind in ERRORS) for word in KINDS)


class Pair(Options):
    both: tuple[int, int] = (1, 2)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.epochs=many", "training.epochs: must be a whole number (got 'many')"),
        ("training.epochs=1.5", "training.epochs: must be a whole number (got 1.5)"),
        ("training.lr=fast", "training.lr: must be a number (got 'fast')"),
        ("training.lr=0", "training.lr: must be more than 0 (got 0)"),
        ("training=3", "training: must be a mapping of settings, such as {key: value} (got 3)"),
        ("training.paired=perhaps", "training.paired: must be true or false (got 'perhaps')"),
        ("evidence.models=9", "evidence.models: must be a multiple of 2 (got 9)"),
        ("data.scale=angle", "must be 'angles', 'unit' or 'none'; did you mean 'angles'? (got"),
        ("name=[a]", "name: must be text (got ['a'])"),
        ("name=null", "name: must be text (got None)"),
        ("seeds=[]", "seeds: must hold 1 entries or more"),
        ("methods.finetune=0.1", "methods.finetune: give options such as {lr: 0.01}"),
        ("methods.finetune=[1, 2]", "methods.finetune: give options such as"),
        ("methods.finetune={method: 3}", "methods.finetune.method: must be the name of a method"),
        ("methods=[{finetune: {lr: 1}}]", "methods: a list holds names alone"),
        ("methods=[lca, lca]", "methods: 'lca' stands twice"),
        ("methods={lca: {lrr: 1}}", "unknown key in method 'lca' 'lrr': did you mean 'lr'?"),
    ],
)
def test_a_mistake_of_an_override_is_its_own_in_plain_words(override, words):
    with pytest.raises(UserError) as refused:
        make_experiment(MINIMAL, "tiny.yaml", ["training.batch_size=8", override])
    line = str(refused.value)
    assert line.startswith(f"-s {override}: ") and words in line, line
    bare = re.sub(r"such as .*|\(got .*", "", line.removeprefix(f"-s {override}"))
    assert "tiny.yaml" not in line and not THEIRS.search(bare), line


def test_overrides_that_are_wrong_together_are_blamed_together():
    with pytest.raises(UserError) as refused:
        make_experiment(MINIMAL, "x", ["data.val=0", "training.epochs=9", "training.patience=2"])
    assert str(refused.value).startswith("-s data.val=0 with -s training.patience=2: ")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("training:\n  epochs: 3\n  bacth_size: 3\n", 6, "unknown key 'training.bacth_size': did"),
        ("training:\n  epochs: many\n", 5, "training.epochs: must be a whole number"),
        ("model:\n\n  layers: 0\n", 6, "layers: must be 1 or more"),
        ("model: {head: {hidden: [4, no_number]}}\n", 4, "hidden.1: must be a whole number"),
        ("seeds: [0, 1.5]\n", 4, "seeds.1: must be a whole number"),
        ("data: {options: {path: 3}}\n", 4, "unknown key in dataset 'iris' 'path'"),
        ("training: {batch: 3}\n", 4, "unknown key 'training.batch': did you mean"),
    ],
)
def test_a_mistake_of_the_file_names_its_line(tmp_path, text, line, words):
    path = tmp_path / "x.yaml"
    head = "name: x\nscenarios: {a: {fraction: 0.1}}\nmethods: [finetune]\n"
    path.write_text(head + text)
    with pytest.raises(UserError) as refused:
        load_experiment(path, ["data.test=0.3"], ["finetune"])
    assert str(refused.value).startswith(f"{path}, line {line}: "), str(refused.value)
    assert words in str(refused.value)


def test_what_is_missing_is_named_and_nothing_else_repeated(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump({**MINIMAL, "name": None} | {"data": {"val": 0.2}}))
    long = {**MINIMAL, "training": {f"k{n}": n for n in range(500)}}
    with pytest.raises(UserError) as refused:
        make_experiment(long, "x")
    assert len(str(refused.value)) < 300
    without = {key: value for key, value in MINIMAL.items() if key != "name"}
    with pytest.raises(UserError, match=r"^x: name: must be given$"):
        make_experiment(without, "x")
    labels = {**MINIMAL, "methods": {f"m{n}": {"method": "finetune"} for n in range(300)}}
    labels["methods"]["Retrain"] = None
    with pytest.raises(UserError) as refused:
        make_experiment(labels, "x")
    assert len(str(refused.value)) < 200


def test_too_few_values_are_so_many(tmp_path):
    with pytest.raises(UserError, match=r"here: both: must hold more values \(got \[3\]\)"):
        parse(Pair, {"both": [3]}, "here")


def test_a_method_that_is_not_known_is_that_of_who_names_it(tmp_path):
    with pytest.raises(UserError, match=r"^--methods scrubb: unknown method 'scrubb': did you"):
        make_experiment(MINIMAL, "x", methods=["scrubb"])
    with pytest.raises(UserError, match=r"^x: unknown method 'scrubb'"):
        make_experiment({**MINIMAL, "methods": ["scrubb"]}, "x")
