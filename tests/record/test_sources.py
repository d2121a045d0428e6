"""What numbers come from is found by following imports; a process that runs it is the truth."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qhu import registry
from qhu.record import identity
from qhu.record.sources import PACKAGE, Module, Sources

KINDS = ("method", "metric", "dataset", "backend")
LOADED = """
import json, sys
import qhu.{module}
from qhu import registry
for kind in ("method", "metric", "dataset", "backend"):
    getattr(registry, kind).names()
print(json.dumps([name for name in sys.modules if name.partition(".")[0] == "qhu"]))
"""


def loaded(module):
    """Modules of qhu in a process that has imported one of them and filled the registries."""
    command = [sys.executable, "-c", LOADED.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def registering():
    """Modules of qhu that put something into a registry, as the registries know them."""
    kinds = [getattr(registry, kind) for kind in KINDS]
    modules = {kind[name].make.__module__ for kind in kinds for name in kind.names()}
    return {module for module in modules if module.startswith("qhu.")}


def test_what_a_run_really_imports_is_followed():
    """But modules that lie among the registered ones and register nothing, nor are imported."""
    only_lie_there = loaded("grid.steps") - set(identity.numeric())
    packages = tuple(getattr(registry, kind).package for kind in KINDS)
    assert all(name.startswith(packages) for name in only_lie_there)
    assert not only_lie_there & registering()
    assert registering() <= set(identity.numeric())


def test_what_writes_the_files_is_followed():
    closure = set(identity.sources().closure(*identity.FILES, *identity.numeric()))
    assert loaded("grid.collect") - loaded("grid.steps") <= closure


@pytest.mark.parametrize(
    "part",
    ["report", "cli", "emulator", "paper", "compare", "commands", "grid.run", "record.folder"],
)
def test_what_only_shows_is_no_part_of_a_number(part):
    assert f"qhu.{part}" in identity.sources().files
    assert not [m for m in identity.numeric() if f"{m}.".startswith(f"qhu.{part}.")]


def test_numbers_come_from_no_data_file_but_the_datasets():
    """Those count by their content; what else lies beside numeric code must only be cited."""
    folders = {identity.sources().files[name].parent for name in identity.numeric()} - {PACKAGE}
    data = {name for name in identity.sources().data() if (PACKAGE / name).parent in folders}
    cited = {"record/references.bib"}
    assert cited <= data and {Path(name).parent.name for name in data - cited} == {"data"}
    assert {Path(name).suffix for name in data - cited} == {".npz"}


def test_packages_are_those_that_are_imported():
    packages = identity.packages()
    expected = {"torch", "numpy", "scipy", "qiskit", "qiskit-aer", "qiskit-machine-learning"}
    assert expected | {"scikit-learn", "qiskit-ibm-runtime", "pandas"} <= packages.keys()
    assert not {"qhu", "matplotlib", "Jinja2", "typer", "rich"} & packages.keys()
    assert {"matplotlib", "Jinja2"} <= identity.packages(*identity.FILES).keys()
    assert all(packages.values())


FILES = {
    "__init__.py": "",
    "steps.py": "import numpy as np\nfrom qhu import low\nfrom .inner import deep as d, NAME",
    "low.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import qhu.types_only\n"
    "else:\n    import qhu.at_run",
    "types_only.py": "import pandas",
    "at_run.py": "def f():\n    from qhu.late import g",
    "late.py": "try:\n    import fast\nexcept ImportError:\n    import qhu.slow as fast",
    "slow.py": "",
    "inner/__init__.py": "from .. import above",
    "inner/deep.py": "from ..inner.deeper import more",
    "inner/deeper/__init__.py": "from . import more",
    "inner/deeper/more.py": "",
    "above.py": "",
    "alone.py": "",
    "plugged.py": "from qhu.registry import metric as score\n@score('x')\ndef x(): ...",
    "dotted.py": "from qhu import registry\n@registry.metric('y')\nclass Y: ...",
    "mentions.py": "from qhu.registry import Options\n@property\ndef z(): ...",
    "registry.py": "",
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        (tmp_path / "qhu" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "qhu" / name).write_text(text)
    return tmp_path / "qhu"


def test_imports_of_every_form_are_followed(package):
    sources = Sources(package)
    names = ("", ".steps", ".low", ".at_run", ".late", ".slow", ".above")
    inner = (".inner", ".inner.deep", ".inner.deeper", ".inner.deeper.more")
    assert sources.closure("qhu.steps") == sorted(f"qhu{name}" for name in names + inner)
    assert sources.packages("qhu.steps") == ["fast", "numpy"]
    assert set(sources.registering()) == {"qhu.plugged", "qhu.dotted"}


def test_the_digest_is_that_of_the_code_that_runs(package):
    def edited(name, text):
        (package / name).write_text(text)
        return Sources(package).digest("qhu.steps")

    before = Sources(package).digest("qhu.steps")
    assert edited("alone.py", "X = 1") == before
    assert edited("slow.py", '"""Slowly."""\n\n\n# not fast\n') == before
    after = [
        edited("slow.py", "X = 1"),
        edited("slow.py", "X = 2"),
        edited("inner/deeper/more.py", "X = 2"),
        edited("inner/deeper/more.py", "def f(x):\n    return x"),
        edited("inner/deeper/more.py", "def f(x):\n    return -x"),
    ]
    assert len({before, *after}) == 6
    text = 'def f(x):\n    """Negated."""\n    y: int = 0\n    """one"""\n    return -x  # minus'
    bare = "def f(x):\r\n    y:int=0\r\n    return -x\r\n"
    assert edited("inner/deeper/more.py", text) == edited("inner/deeper/more.py", bare)


def test_a_string_that_is_used_is_no_docstring(tmp_path):
    file = tmp_path / "text.py"

    def digest(text):
        file.write_text(text)
        return Module.read(file, "").digest

    assert digest("def f():\n    return 'a'") != digest("def f():\n    return 'b'")
    assert digest("def f():\n    'a'") == digest("def f():\n    'b'")
