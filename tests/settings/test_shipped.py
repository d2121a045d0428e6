"""Experiments and backends by name, in any folder."""

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import qhu as package
from qhu.backends.named import known_backends, open_backend, own_file
from qhu.errors import UnknownName, UserError
from qhu.settings import shipped
from qhu.settings.experiment import load_experiment
from qhu.settings.sweep import load_sweep


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """An empty working folder, and runs without their report, which takes most of the time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("qhu.grid.collect.write_report", lambda folder: None)
    monkeypatch.setattr("qhu.grid.collect.drawing", lambda study: "<svg></svg>")


def test_the_version_is_that_of_the_installed_package(qhu):
    assert qhu("--version") == (0, f"qhu {version('qhu')}\n", "")
    assert package.__version__ == version("qhu")


def test_every_shipped_file_has_a_name_of_its_own():
    files = list(shipped.EXPERIMENTS.rglob("*.yaml"))
    assert len(shipped.experiments()) == len(files) > 10
    assert set(shipped.experiments().values()) == set(files)


@pytest.mark.parametrize("name", shipped.experiments())
def test_every_shipped_experiment_loads_by_its_name(name):
    file = shipped.experiment_file(Path(name))
    if "sweep" in yaml.safe_load(file.read_bytes()):
        sweep, experiments = load_sweep(file)
        assert set(experiments) == set(sweep.labels)
    else:
        assert load_experiment(file) == package.load(name)
        assert package.load(name).name == name


def test_list_explains_every_shipped_experiment(qhu):
    _, out, _ = qhu("list", "experiments")
    for name, summary in shipped.summaries().items():
        assert name in out
        assert summary.split()[0] in out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("irs", "unknown experiment 'irs': did you mean 'iris'"),
        ("qqqqqqqq", f"known: {', '.join(shipped.experiments())}"),
        (".", "unknown experiment '.'"),
        ("absent.yaml", "cannot read absent.yaml: no such file"),
        ("experiments/iris.yaml", "did you mean the shipped experiment 'iris'"),
        ("experiments/paper/iris.yaml", "did you mean the shipped experiment 'paper-iris'"),
        ("my/dept.yaml", "did you mean the shipped experiment 'depth'"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest(qhu, given, message):
    for command in ("run", "plan", "ablate", "show"):
        status, out, errors = qhu(command, given)
        assert (status, out) == (2, "")
        assert message in errors
        assert errors.count("\n") == 1
    with pytest.raises(UserError, match=r"experiment|cannot read"):
        package.load(given)


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_name_that_could_be_a_file_here_is_refused(qhu, suffix):
    own = Path(f"iris{suffix}")
    shutil.copy(shipped.experiments()["iris"], own)
    status, out, errors = qhu("show", "iris")
    assert (status, out) == (2, "")
    assert f"give {own}, or rename it" in errors
    assert qhu("show", own) == (0, own.read_text(), "")


def test_a_file_called_as_a_shipped_experiment_wins_and_that_is_said(qhu):
    Path("iris").write_text("name: mine\n")
    status, out, errors = qhu("show", "iris")
    assert (status, out) == (0, "name: mine\n")
    assert errors == "experiment iris: iris\n"


def test_a_folder_called_as_a_shipped_experiment_does_not_hide_it(qhu):
    Path("iris").mkdir()
    status, out, errors = qhu("show", "iris")
    assert (status, out) == (0, shipped.experiments()["iris"].read_text())
    assert errors == f"experiment iris: {shipped.experiments()['iris']}\n"


def test_a_shown_sweep_is_an_experiment_of_its_own(qhu):
    for name in ("depth", "shots"):
        _, out, _ = qhu("show", name)
        Path("mine.yaml").write_text(out)
        assert load_sweep(Path("mine.yaml")) == load_sweep(shipped.experiments()[name])


def test_a_run_by_name_is_the_run_of_its_file(qhu):
    few = ("--seeds", "0", "--methods", "finetune", "-s", "training.epochs=1")
    status, out, _ = qhu("run", "iris", *few, "--out", "name")
    assert status == 0 and "retrain" in out
    assert qhu("run", shipped.experiments()["iris"], *few, "--out", "file")[0] == 0
    assert Path("name/results.csv").read_bytes() == Path("file/results.csv").read_bytes()


def test_shipped_backends_are_known_everywhere_and_come_after_those_of_the_folder(qhu):
    listed = yaml.safe_load(shipped.BACKENDS.read_bytes())
    assert set(listed) <= set(known_backends())
    assert open_backend("shots_64").options.shots == 64
    Path("backends.yaml").write_text(
        "shots_64: {kind: aer, depolarizing: [0, 0], shots: 65}\nmine: {kind: statevector}\n"
    )
    assert open_backend("shots_64").options.shots == 65
    assert open_backend("shots_256").options.shots == 256
    assert set(known_backends()) >= {*listed, "mine"}
    status, _, errors = qhu("list", "backends")
    assert (status, errors) == (0, f"from backends.yaml and {shipped.BACKENDS}\n")


def test_a_backend_of_the_folder_is_said(tiny, qhu):
    run = ("run", tiny, "--seeds", "0", "--methods", "finetune", "-s", "metrics=[acc]")
    said = "backend mine: backends.yaml in this folder\n"
    Path("backends.yaml").write_text("mine: {kind: statevector}")
    assert said in qhu(*run, "--backend", "mine", "--out", "a")[2]
    assert said not in qhu(*run, "--out", "b")[2]


def test_devices_follow_the_entry_ibm_of_the_folder():
    assert own_file("ibm_fez") is None
    Path("backends.yaml").write_text("ibm: {shots: 12}")
    assert own_file("ibm_fez") == own_file("auto") == Path("backends.yaml")
    assert open_backend("ibm_fez").options.shots == 12
    assert own_file("fake_fez") is None


def test_a_name_or_a_file_near_an_experiment_may_be_the_base_of_a_sweep(tmp_path):
    sweep = {"question": "?", "vary": {"model.layers": [1, 2]}, "base": "iris"}
    Path("mine.yaml").write_text(yaml.safe_dump({"name": "mine", "sweep": sweep}))
    _, experiments = load_sweep(Path("mine.yaml"))
    assert experiments["1"].data == package.load("iris").data
    Path("mine.yaml").write_text(
        yaml.safe_dump({"name": "mine", "sweep": {**sweep, "base": "irs"}})
    )
    with pytest.raises(UnknownName, match="did you mean 'iris'"):
        load_sweep(Path("mine.yaml"))
