"""The wheel holds every file that the code reads, and works where there is no clone."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT = shutil.ignore_patterns(
    "__pycache__", ".*", "runs", "ledger", "build", "*.egg-info", "tests"
)
MAKE = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
COMMANDS = """
import sys
log = open("opened.txt", "w")
sys.addaudithook(lambda event, given: event == "open" and print(given[0], file=log))
from qhu.settings import shipped
from qhu.paper.release import released_study
from qhu.cli import main
from qhu.data.mnist import ImageOptions, fashion_mnist, mnist
for line in (
    "list experiments", "list backends", "show depth", "doctor",
    "run iris --seeds 0 --methods finetune -s training.epochs=1 --backend depolarizing_2pc --out a",
):
    sys.argv = ["qhu", *line.split()]
    try:
        main()
    except SystemExit as done:
        assert not done.code or line == "doctor", line
mnist(ImageOptions()), fashion_mnist(ImageOptions()), released_study("iris")
print(*(path.read_text() for path in shipped.PUBLISHED.iterdir()))
"""


def sources(root):
    """Files that belong into the wheel, by their name in it: the package and what is beside it."""
    beside = [root / "backends.yaml", *(root / "experiments").rglob("*.*")]
    inside = [file for file in (root / "qhu").rglob("*") if "__pycache__" not in file.parts]
    return {
        *(str(file.relative_to(root)) for file in inside if file.is_file()),
        *(f"qhu/{file.relative_to(root)}" for file in beside),
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network from a copy of the source."""
    copy, made = tmp_path_factory.mktemp("source") / "qhu", tmp_path_factory.mktemp("made")
    shutil.copytree(ROOT, copy, ignore=BUILT, symlinks=True)
    subprocess.run([sys.executable, "-c", MAKE, made], cwd=copy, check=True, capture_output=True)
    return next(made.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder with the wheel's content, as pip would leave it."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_the_wheel_holds_the_sources_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == sources(ROOT)
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names}
    assert "qhu/py.typed" in names


def test_an_installed_wheel_reads_nothing_of_the_clone(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "does a deeper circuit forget worse" in done.stdout.lower()
    assert f"experiment iris: {installed / 'qhu/experiments/iris.yaml'}\n" in done.stderr
    assert json.loads((tmp_path / "a/run.json").read_text())["environment"]["commit"] is None
    opened = {Path(line) for line in (tmp_path / "opened.txt").read_text().splitlines()}
    assert installed / "qhu/data/mnist.npz" in opened
    assert not {file for file in opened if file.is_relative_to(ROOT / "qhu")}
    shared = {ROOT / "backends.yaml", *(ROOT / "experiments").rglob("*.*")}
    assert not opened & shared
