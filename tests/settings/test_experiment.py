from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qhu.errors import UnknownName, UserError
from qhu.record.identity import digest, identity
from qhu.registry import parse
from qhu.settings.experiment import Experiment, load_experiment, make_experiment, parse_seeds
from qhu.settings.parts import DataSpec, Scenario, TrainSpec

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SHIPPED = sorted([*EXPERIMENTS.glob("*.yaml"), *EXPERIMENTS.glob("paper/*.yaml")])
MINIMAL = {"name": "tiny", "scenarios": {"subset": {"fraction": 0.1}}, "methods": ["finetune"]}


def written(tmp_path, content):
    path = tmp_path / "experiment.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_experiments_parse(path):
    assert load_experiment(path).methods


def test_the_honest_methods_are_always_there(tmp_path):
    experiment = load_experiment(written(tmp_path, MINIMAL))
    assert list(experiment.methods) == ["none", "retrain", "finetune"]


def test_resolved_settings_are_an_experiment_again(tmp_path):
    path = written(tmp_path, MINIMAL)
    experiment = load_experiment(path, ["methods.neggrad_plus.alpha=0.7", "seeds=2-4"])
    resolved = written(tmp_path, experiment.model_dump(mode="json"))
    again = load_experiment(resolved)
    assert again == experiment
    assert digest(identity(again)) == digest(identity(experiment))


def test_overrides_reach_nested_settings(tmp_path):
    overrides = ["model.layers=3", "model.hidden=[8, 8]", "methods.scrub.temperature=3"]
    experiment = load_experiment(written(tmp_path, MINIMAL), overrides)
    assert experiment.model.ansatz.options.layers == 3
    assert experiment.model.head.options.hidden == (8, 8)
    assert experiment.methods["scrub"].options.temperature == 3


def test_methods_can_be_narrowed_and_keep_their_options(tmp_path):
    content = MINIMAL | {"methods": {"finetune": {"lr": 0.5}, "lca": None}}
    experiment = load_experiment(written(tmp_path, content), methods=["finetune", "scrub"])
    assert list(experiment.methods) == ["none", "retrain", "finetune", "scrub"]
    assert experiment.methods["finetune"].options.lr == 0.5


@pytest.mark.parametrize("setting", ["methods.mild={method: scrub}", "methods.lca.beta=2"])
def test_settings_of_a_method_that_is_not_chosen_are_refused(tmp_path, setting):
    name = setting.split(".")[1].partition("=")[0]
    with pytest.raises(UserError, match=f"sets method '{name}'.*add {name} to --methods"):
        load_experiment(written(tmp_path, MINIMAL), [setting], ["finetune"])
    chosen = load_experiment(written(tmp_path, MINIMAL), [setting], ["finetune", name])
    assert name in chosen.methods


def test_the_oracle_is_always_chosen(tmp_path):
    setting = ["methods.retrain.scope=all"]
    experiment = load_experiment(written(tmp_path, MINIMAL), setting, ["finetune"])
    assert experiment.methods["retrain"].options.scope == "all"
    with pytest.raises(UserError, match="retrain is the oracle, which is whole"):
        load_experiment(written(tmp_path, MINIMAL), ["methods.retrain.scope=quantum"])


def test_one_method_may_appear_under_two_labels(tmp_path):
    content = MINIMAL | {"methods": {"quantum": {"method": "finetune", "scope": "quantum"}}}
    experiment = load_experiment(written(tmp_path, content))
    assert experiment.methods["quantum"].method == "finetune"
    assert Experiment.model_validate(experiment.model_dump(mode="json")) == experiment


def test_another_default_is_another_identity():
    class Longer(TrainSpec):
        epochs: int = 7

    assert digest(identity(Longer())) != digest(identity(TrainSpec()))
    assert digest(identity(Longer(epochs=3))) == digest(identity(TrainSpec(epochs=3)))


def test_an_explicit_default_leaves_the_fingerprint(tmp_path):
    path = written(tmp_path, MINIMAL)
    plain, explicit = load_experiment(path), load_experiment(path, ["model.layers=2"])
    assert digest(identity(plain)) == digest(identity(explicit))
    assert digest(identity(plain)) != digest(identity(load_experiment(path, ["model.layers=4"])))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=6, unique=True))
def test_seed_lists_are_read_back(seeds):
    assert list(parse_seeds(",".join(map(str, seeds)))) == seeds


def test_seed_ranges():
    assert parse_seeds("0-3,7") == [0, 1, 2, 3, 7]
    assert parse_seeds(5) == [5]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.layer=3", "did you mean 'model.layers'"),
        ("model.layers=0", "model.ansatz .*layers: must be 1 or more"),
        ("model.entanglement=star", "model.ansatz .*entanglement: "),
        ("model.dropout=.nan", "model.head .*dropout: "),
        ("data.test=0", "data.test: "),
        ("data.test=1", "data.test: "),
        ("data.source=irises", "unknown dataset 'irises': did you mean 'iris'"),
        ("scenarios.subset.fraction=1.5", "scenarios.subset.fraction: "),
        ("scenarios.subset.label=0", "exactly one of fraction, ids, label"),
        ("scenarios.subset={ids: []}", "the forget set is empty"),
        ("scenarios.subset={label: 1.5}", "scenarios.subset.label: give a name"),
        ("scenarios.subset={label: [a]}", "scenarios.subset.label: give a name"),
        ("methods.scrubb=", "unknown method 'scrubb': did you mean 'scrub'"),
        ("methods.finetune.lrr=1", "unknown key in method 'finetune' 'lrr': did you mean 'lr'"),
        ("methods.finetune.lr=-1", "method 'finetune': lr: "),
        ("metrics=[acc, klm]", "unknown metric 'klm'"),
        ("data={split: released}", "set data.val to 0"),
        ("training.select=test_accuracy", "training: .*needs a patience"),
        ("unlearning.steps=null", "unlearning: .*give steps or epochs"),
        ("training.teacher_without=subsets", "unknown scenario .*did you mean 'subset'"),
        ("seeds=one", "seeds must be integers"),
        ("seeds=[1.5]", r"seeds.0: "),
        ("seeds=[1, 1]", "seeds must differ"),
        ("seeds=[]", "seeds: "),
        ("seeds=5-2", "seeds"),
        ("stages.training=aer", "'stages.training'"),
        ("name=a/b", "name: "),
        ("model.layers", "must look like key.sub=value"),
        ("name.x=1", "holds a value"),
        ("model=[", "not valid YAML"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(tmp_path, override, message):
    content = MINIMAL | {"model": {"layers": 2}}
    with pytest.raises(UserError, match=message) as caught:
        load_experiment(written(tmp_path, content), [override])
    assert "\n" not in str(caught.value)


def test_yaml_that_does_not_parse_names_the_line(tmp_path):
    with pytest.raises(UserError, match="line 4"):
        load_experiment(written(tmp_path, "name: a\nmodel:\n  layers: [1,\nseeds: }"))


@pytest.mark.parametrize("content", ["- a\n- b", "", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content):
    with pytest.raises(UserError):
        load_experiment(written(tmp_path, content))


def test_a_missing_file_is_the_callers_mistake(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*absent\.yaml"):
        load_experiment(tmp_path / "absent.yaml")


def test_unknown_names_are_not_guessed_wildly(tmp_path):
    with pytest.raises(UnknownName, match="known: "):
        load_experiment(written(tmp_path, MINIMAL), ["methods.xyzzy="])


@pytest.mark.parametrize("part", ["training", "unlearning"])
def test_waiting_for_a_validation_loss_needs_validation_rows(tmp_path, part):
    overrides = ["data.val=0", f"{part}.patience=3"]
    with pytest.raises(UserError, match=f"{part}.patience .*raise data.val"):
        load_experiment(written(tmp_path, MINIMAL), overrides)
    by_test = [*overrides, f"{part}.select=test_accuracy"]
    assert load_experiment(written(tmp_path, MINIMAL), by_test)


@pytest.mark.parametrize("seeds", ["0-99999999999", "9" * 5000, "٣", "0," * 20_000 + "1", "1-2-3"])
def test_seeds_that_are_none_or_too_many_are_one_short_line(seeds):
    with pytest.raises(UserError, match="seeds") as refused:
        make_experiment({**MINIMAL, "seeds": seeds}, "x")
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "override", ["model.layers=100000000", "model.hidden=[9000000000000]", "model.qubits=1000000"]
)
def test_a_size_that_no_machine_holds_is_refused_as_a_setting(override):
    with pytest.raises(UserError, match=r"must be 1\d* or less"):
        make_experiment(MINIMAL, "x", [override])


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"memorised": 10}, {"memorised": {"top": 10}}),
        ({"outliers": 3}, {"outliers": {"count": 3}}),
        ({"cluster": 3}, {"cluster": {"count": 3, "within": "all"}}),
        ({"duplicates": "all"}, {"duplicates": {"forget": "all"}}),
    ],
)
def test_a_kind_of_forget_set_has_a_short_form(short, long):
    assert Scenario(**short) == Scenario(**long) == Scenario(**Scenario(**short).model_dump())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memorised": {}}, "memorised: give top, such as 10, or tier: easy, medium or hard"),
        ({"memorised": {"top": 1, "tier": "hard"}}, "memorised: give top"),
        ({"memorised": {"top": 1, "count": 2}}, "memorised: count draws from a tier"),
        ({"memorised": {"top": 1, "models": 3}}, "memorised.models: must be a multiple of 2"),
        ({"memorised": {"topp": 1}}, "'memorised.topp': did you mean 'memorised.top'"),
        ({"memorised": True}, "memorised.top: must be a whole number"),
        ({"memorised": "hard"}, "memorised.top: must be a whole number"),
        ({"outliers": 0}, "outliers.count: must be 1 or more"),
        ({"cluster": 1}, "cluster.count: must be 2 or more"),
        ({"duplicates": "none"}, "duplicates.forget: .* 'originals' or 'all'"),
        ({"fraction": 0.1, "requests": 1}, "requests: must be 2 or more"),
        ({"requests": 3}, r"exactly one of .*memorised, outliers, cluster, duplicates \(got none"),
        ({"fraction": 0.1, "outliers": 3}, "exactly one of"),
    ],
)
def test_a_wrong_kind_of_forget_set_is_refused_in_a_line(given, message):
    with pytest.raises(UserError, match=message) as refused:
        parse(Scenario, given, "here")
    assert "\n" not in str(refused.value)


def test_kinds_that_are_not_asked_for_leave_older_questions_as_they_were():
    """Fingerprints hash these dumps: a new kind makes no other run of an old one."""
    dumped = Scenario(fraction=0.1).model_dump(mode="json")
    assert dumped == {"fraction": 0.1, "ids": None, "label": None, "mislabelled": None}
    assert "copies" not in DataSpec().model_dump(mode="json")
