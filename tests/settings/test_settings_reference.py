"""The reference of settings is derived from the models, and so whole; it says what they do."""

import inspect
import re
from typing import get_args

import pytest
import yaml

from qhu import registry
from qhu.errors import UserError
from qhu.registry import Options
from qhu.settings import experiment as settings
from qhu.settings import shipped
from qhu.settings.experiment import Experiment, make_experiment
from qhu.settings.reference import options_of, settings_reference
from qhu.settings.sweep import Sweep

ENTRIES = settings_reference()
PARTS = ("method", "dataset", "front", "encoding", "ansatz", "circuit", "observables", "head")
BASE = {"name": "x", "scenarios": {"s": {"fraction": 0.1}}, "methods": ["finetune"]}
OPTIONAL = ("sweep", "evidence.", "tuned.", "data.copies.", "model.circuit.")
"""What stands before settings of sections that an experiment may lack."""
ALWAYS = [e for e in ENTRIES if not (e.of or "LABEL" in e.name or e.name.startswith(OPTIONAL))]


def docstring(model, field):
    """The docstring of a field as it stands in the source, on one line."""
    source = "".join(inspect.getsource(c) for c in model.__mro__ if issubclass(c, Options))
    return re.sub(r"\s+", " ", re.search(rf'\n    {field}: .*?"""(.*?)"""', source, re.S)[1])


def fields(model):
    """Names of the fields of a settings model and of the models inside it."""
    for name, field in model.model_fields.items():
        yield name
        for section in sections(field.annotation):
            yield from fields(section)


def sections(annotation):
    if inspect.isclass(annotation) and issubclass(annotation, Options):
        yield annotation
    for inner in get_args(annotation):
        yield from sections(inner)


@pytest.mark.parametrize("model", [Experiment, Sweep])
def test_every_field_of_every_model_is_there(model):
    names = {entry.name.rpartition(".")[2] for entry in ENTRIES}
    asked = set(fields(model))
    assert len(asked) > (60 if model is Experiment else 5)
    assert asked <= names


@pytest.mark.parametrize("kind", PARTS)
def test_every_option_of_every_registered_entry_is_there(kind):
    names = getattr(registry, kind)
    prefix = {"method": "methods.LABEL.", "dataset": "data.options."}.get(kind, f"model.{kind}.")
    for name in names.names():
        for option in names[name].options.model_fields:
            takers = [e.of for e in ENTRIES if e.name == prefix + option]
            mine = [of for of in takers if takes(of, name)]
            assert len(mine) == 1, (name, option, takers)


def takes(of, name):
    """Whether what an entry says of its takers holds of a name."""
    without = of.removeprefix("all but ")
    return not of or (name in without.split(", ")) is (without == of)


def test_every_setting_of_every_shipped_experiment_is_there():
    listed = "|".join(re.escape(e.name).replace("LABEL", r"[^.]+") for e in ENTRIES)
    inside = "|".join(re.escape(e.name) for e in ENTRIES if e.kind.startswith("mapping"))
    known = re.compile(rf"{listed}|({inside})\.[^.]+|model\.\w+\.name|sweep\.vary\..*")
    for file in shipped.experiments().values():
        for dotted in leaves(yaml.safe_load(file.read_text())):
            short = [dotted.replace("model.", f"model.{part}.") for part in PARTS]
            assert any(map(known.fullmatch, [dotted, *short])), dotted


def leaves(given, prefix=""):
    for key, value in given.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def test_meanings_are_the_docstrings():
    by_name = {entry.name: entry for entry in ENTRIES}
    for section, model in (("data", settings.DataSpec), ("training", settings.TrainSpec)):
        for name in model.model_fields:
            text = docstring(model, name).replace("``", "`").strip()
            assert by_name[f"{section}.{name}"].meaning == text
    assert not [entry.name for entry in ENTRIES if not entry.meaning]


def test_the_default_is_what_an_experiment_has_without_the_setting():
    plain = make_experiment(BASE, "x")
    asked = [e for e in ALWAYS if e.default not in ("", "required")]
    assert len(asked) > 40
    for entry in asked:
        assert make_experiment(BASE, "x", [f"{entry.name}={entry.default}"]) == plain, entry.name


def test_what_is_outside_the_range_is_refused():
    ends = [(e.name, *m) for e in ALWAYS for m in re.findall(r"^([≥>]) (\d+)", e.allowed)]
    assert len(ends) > 15
    for name, sign, least in ends:
        outside = int(least) - (sign == "≥")
        with pytest.raises(UserError):
            make_experiment(BASE, "x", [f"{name}={outside}"])


def test_an_entry_says_kind_default_range_and_who_has_it():
    by_name = {entry.name: entry for entry in ENTRIES}
    assert by_name["data.test"][1:4] == ("number", "0.2", "> 0, < 1")
    assert by_name["data.classes"].allowed == "2 or more"
    assert by_name["training.schedule"].allowed == "constant, cosine"
    assert by_name["data.options.decimal"].allowed == '".", ","'
    assert by_name["data.source"].allowed == ", ".join(registry.dataset.names())
    assert by_name["model.ansatz"].default == "rotations_cz"
    assert by_name["model.head"].allowed.endswith("module:Class")
    assert by_name["scenarios.LABEL.memorised.models"].allowed == "≥ 2, ≤ 1000000, a multiple of 2"
    times = {e.name: e for e in options_of("backends", "NAME.")}["NAME.gate_times"]
    assert times[1:4] == ("list of number", "[60.0, 660.0]", "exactly 2, each > 0")
