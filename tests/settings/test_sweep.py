from pathlib import Path

import pytest
import yaml

from qhu.errors import UserError
from qhu.settings.sweep import Sweep, load_sweep

ABLATIONS = Path(__file__).parents[2] / "experiments" / "ablation"
BASE = {
    "name": "base",
    "training": {"epochs": 3, "lr": 0.5},
    "scenarios": {"subset": {"fraction": 0.1}},
    "methods": ["finetune"],
}
DEPTH = {"question": "?", "vary": {"model.layers": [1, 2, 4]}}


@pytest.fixture
def write(tmp_path):
    """Writes an experiment file with a section ``sweep``, changed in the given keys."""

    def write(rest=None, **changes):
        path = tmp_path / "sweep.yaml"
        path.write_text(yaml.safe_dump({**BASE, **(rest or {}), "sweep": {**DEPTH, **changes}}))
        return path

    return write


def test_values_of_a_list_are_their_own_labels(write):
    sweep, experiments = load_sweep(write())
    assert sweep.labels == ["1", "2", "4"]
    assert [one.model.ansatz.options.layers for one in experiments.values()] == [1, 2, 4]
    assert {one.training.lr for one in experiments.values()} == {0.5}


def test_a_value_with_options_is_called_by_its_name(write):
    parts = ["a", {"name": "b", "reps": 3}]
    assert Sweep.model_validate({**DEPTH, "vary": {"model.any": parts}}).labels == ["a", "b"]


def test_what_lies_inside_a_varied_section_is_overridden_in_every_value(write):
    tasks = {"petals": {"features": [2, 3], "width": 4}, "all": {}}
    path = write(vary={"data": tasks})
    _, experiments = load_sweep(path, ["data.test=0.3", "training.epochs=9"])
    assert {one.data.test for one in experiments.values()} == {0.3}
    assert {one.training.epochs for one in experiments.values()} == {9}
    assert experiments["petals"].data.features == (2, 3)


def test_values_without_order_have_a_reference(write):
    sweep, _ = load_sweep(write(ordered=False, reference=1))
    assert sweep.reference == "1"
    assert load_sweep(write(ordered=False))[0].reference is None


def test_labels_may_stand_for_values_and_for_whole_sections(write):
    noisy = {"train": "fake_torino", "evaluate": "fake_torino"}
    sweep, experiments = load_sweep(write(vary={"stages": {0: {}, 3: noisy}}))
    assert sweep.labels == ["0", "3"]
    assert [one.stages.train for one in experiments.values()] == ["statevector", "fake_torino"]


def test_sections_of_the_base_are_kept_or_replaced_whole(write, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yaml").write_text(yaml.safe_dump(BASE))
    path = write({"training": {"epochs": 7}}, base="sub/base.yaml")
    own = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({"name": "own", **{k: own[k] for k in ("sweep", "training")}}))
    _, experiments = load_sweep(path)
    first = experiments["1"]
    assert (first.name, first.training.epochs) == ("own", 7)
    assert first.training.lr == type(first.training)().lr, "no setting of the base's section"
    assert "finetune" in first.methods


def test_the_varied_setting_comes_after_overrides(write):
    _, experiments = load_sweep(write(), ["model.angle=0.5", "seeds=3"], ["scrub"])
    assert [one.model.ansatz.options.layers for one in experiments.values()] == [1, 2, 4]
    assert {one.seeds for one in experiments.values()} == {(3,)}
    assert all("scrub" in one.methods for one in experiments.values())


def test_an_override_of_the_varied_setting_would_have_no_effect(write):
    with pytest.raises(UserError, match=r"-s model.layers=9 has no effect, because .*sweep.vary"):
        load_sweep(write(), ["model.layers=9"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vary": {"model.layers": [1]}}, "vary.model.layers: must hold 2 entries or more"),
        (
            {"vary": {"model.layers": [1, 2], "model.angle": [0.5, 1]}},
            "vary: must hold no more entries than 1",
        ),
        ({"vary": {"model.layers": {"1/2": 1, "2": 2}}}, "pattern"),
        ({"vary": {"model.layers": {"a": 2, "b": 2}}}, "the same"),
        ({"vary": {"model.depth": [1, 2]}}, "depth"),
        ({"vary": {"data": [{"source": "iris"}, {"source": "wine"}]}}, "no label of its own"),
        ({"vary": {"model.any": [{"name": "a"}, {"name": "a", "reps": 2}]}}, "same label"),
        ({"reference": "1"}, "set ordered to false"),
        ({"reference": 3, "ordered": False}, "the reference is one of 1, 2, 4"),
        ({"vary": {"model.layers": [1, 0]}}, "model.layers 0"),
        ({"vary": {"model.layers": 3}}, "vary"),
        ({"vary": {"training.lr.first": [1, 2]}}, "holds a value"),
        ({"base": "absent.yaml"}, "cannot read"),
        ({"axes": "x"}, "axes"),
    ],
)
def test_mistakes_are_told_in_a_line(write, changes, message):
    with pytest.raises(UserError, match=message) as told:
        load_sweep(write(**changes))
    assert "\n" not in str(told.value)


def test_an_ordinary_experiment_varies_nothing(tmp_path):
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(BASE))
    with pytest.raises(UserError, match=r"give sweep\.vary"):
        load_sweep(tmp_path / "plain.yaml")


@pytest.mark.parametrize("path", sorted(ABLATIONS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_ablations_parse_and_have_enough_seeds(path):
    sweep, experiments = load_sweep(path)
    assert len(sweep.labels) > 2
    assert min(len(one.seeds) for one in experiments.values()) >= 5
    assert {one.name for one in experiments.values()} == {path.stem}
