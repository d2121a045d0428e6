"""The schema says of a file what qhu says of it, as far as it can."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from qhu import registry
from qhu.errors import UserError
from qhu.settings.experiment import load_experiment
from qhu.settings.schema import experiment_schema
from qhu.settings.shipped import experiments
from qhu.settings.sweep import load_sweep

SCHEMA = experiment_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
BASE = {"name": "mine", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}
RIGHT = {
    "seeds as text": {"seeds": "0-9,12"},
    "one seed": {"seeds": 3},
    "seeds as a list": {"seeds": [0, 5]},
    "methods with options": {"methods": {"scrub": {"alpha": 0.1}, "lca": None}},
    "a label": {"methods": {"mild": {"method": "scrub", "alpha": 0.1}}},
    "rows of a file": {"data": {"source": "file:mine.csv"}},
    "images of a folder": {"data": {"source": "idx:folder"}},
    "short options of the model": {"model": {"layers": 3, "hidden": [8], "entanglement": "ring"}},
    "parts by name": {"model": {"encoding": "zz_feature_map", "head": "deep"}},
    "a part with options": {"model": {"ansatz": {"name": "real_amplitudes", "reps": 2}}},
    "a part's options alone": {"model": {"ansatz": {"layers": 3}}},
    "Pauli strings": {"model": {"observables": ["ZIII", "IZII"]}},
    "a module of one's own": {"model": {"head": "mine:Head"}},
    "a kind of rows": {"scenarios": {"s": {"memorised": {"tier": "hard", "count": 5}}}},
    "a kind of rows in short": {"scenarios": {"s": {"outliers": 5}}},
    "a named class": {"scenarios": {"s": {"label": "setosa"}}},
    "what stays as it is": {"evaluation": {"retain": None}, "stages": {"evaluate": "figures"}},
    "evidence": {"evidence": {"models": 64, "attacks": ["loss"]}},
}
WRONG = {
    "a misspelt section": {"trainign": {"epochs": 3}},
    "a misspelt setting": {"training": {"epoch": 3}},
    "a misspelt option of a method": {"methods": {"scrub": {"alhpa": 0.1}}},
    "a method that is none": {"methods": ["scrubb"]},
    "a label of no method": {"methods": {"mild": {"alpha": 0.1}}},
    "an option of another method": {"methods": {"mild": {"method": "finetune", "alpha": 0.1}}},
    "a misspelt option of a part": {"model": {"ansatz": {"name": "real_amplitudes", "rep": 2}}},
    "a part that is none": {"model": {"head": "mpl"}},
    "a misspelt short option": {"model": {"layer": 3}},
    "a dataset that is none": {"data": {"source": "irsi"}},
    "too few epochs": {"training": {"epochs": 0}},
    "a share above one": {"data": {"test": 1.5}},
    "seeds that are none": {"seeds": "zero"},
    "a metric that is none": {"metrics": ["accuracy"]},
    "a misspelt kind of rows": {"scenarios": {"s": {"lable": 0}}},
    "nothing to forget": {"scenarios": {}},
}


def fits(settings):
    return VALIDATOR.is_valid(json.loads(json.dumps(settings)))


def test_it_is_a_schema_of_its_draft():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


@pytest.mark.parametrize("file", experiments().values(), ids=lambda file: file.stem)
def test_every_shipped_experiment_fits(file):
    assert fits(yaml.safe_load(file.read_text()))


def test_so_does_one_with_everything_resolved(tiny):
    assert fits(load_experiment(tiny).model_dump(mode="json"))


@pytest.mark.parametrize("change", RIGHT)
def test_what_qhu_takes_fits(change, tmp_path):
    settings = {**BASE, **RIGHT[change]}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(settings))
    if change != "a module of one's own":  # which is imported
        load_experiment(file)
    assert fits(settings)


@pytest.mark.parametrize("change", WRONG)
def test_what_is_misspelt_does_not_and_qhu_refuses_it(change, tmp_path):
    settings = {**BASE, **WRONG[change]}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(settings))
    with pytest.raises(UserError):
        load_experiment(file)
    assert not fits(settings)


def test_a_sweep_needs_what_its_base_does_not_have(tmp_path):
    sweep = {"question": "?", "base": "iris", "vary": {"model.layers": [1, 2]}, "reference": 2}
    settings = {"name": "mine", "sweep": {**sweep, "ordered": False}}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(settings))
    load_sweep(file)
    assert fits(settings)
    assert not fits({"name": "mine"})
    assert not fits({"name": "mine", "sweep": {**sweep, "varry": {}}})


def test_editors_can_explain_every_option():
    for name in registry.method.names():
        for option, part in SCHEMA["$defs"][f"method {name}"]["properties"].items():
            assert part["description"], (name, option)
    assert all(part.get("description") or "$ref" in part for part in SCHEMA["properties"].values())


def test_a_beginning_is_an_experiment_that_fits_and_nothing_is_overwritten(
    qhu, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    status, out, _ = qhu("init", "mine")
    text = Path("mine.yaml").read_text()
    assert status == 0 and "qhu run mine.yaml" in out
    assert text.splitlines()[0] == "# yaml-language-server: $schema=qhu.schema.json"
    schema = json.loads(Path("qhu.schema.json").read_text())
    assert schema == json.loads(qhu("schema")[1]) == SCHEMA
    assert fits(yaml.safe_load(text))
    given = load_experiment(Path("mine.yaml"))
    assert given.name == "mine" and list(given.scenarios) == ["subset", "class"]
    Path("mine.yaml").write_text("mine")
    for name, words in (("mine", "there already"), ("iris", "ships"), ("../x", "may not be")):
        status, _, errors = qhu("init", name)
        assert status == 2 and words in errors
    assert Path("mine.yaml").read_text() == "mine"


def test_the_settings_that_a_beginning_has_in_comments_are_right():
    from qhu.commands.begin import BEGINNING

    text = BEGINNING.format(name="mine", schema="x")
    given = yaml.safe_load(text.replace("  # test:", "  test:").replace("# stages:", "stages:"))
    assert given["data"]["test"] == 0.2 and given["stages"] == {"evaluate": "fake_brisbane"}
    assert fits(given)
