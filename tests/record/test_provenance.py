"""The hash of foreign code: it changes with whatever decides a number, and with nothing else."""

import functools
import subprocess
import sys

import pytest

from qhu import registry
from qhu.record.provenance import code_of
from qhu.unlearn.finetune import finetune

NOTEBOOK = '''
import functools
import numpy as np
import losses
import margins
from pydantic import field_validator
from qhu.registry import Options
from qhu.record.provenance import code_of

STEPS = 3
WEIGHTS = np.arange(5.0)
PRIOR = [{"ones": 3}]

def penalty(x):
    return x * STEPS + WEIGHTS.sum() + PRIOR[0]["ones"] + losses.margin(x)

margin = margins.Margin()

def unrelated(x):
    return x

class Knobs(Options):
    alpha: float = 0.5

    @field_validator("alpha")
    @classmethod
    def _positive(cls, alpha):
        return abs(alpha)

class Front:
    names = {"ab", "cd", "ef"}

    def __call__(self, x):
        return x in {"gh", "ij"}

front = Front()

def forget(student, task, options: Knobs):
    """Forget."""
    from late import bound
    inner = lambda y: penalty(y) + margin(y)
    return front(inner(1)), functools.partial(penalty, 2)

print(code_of(forget, Knobs))
'''

BESIDE = {
    "losses": "def margin(x): return x",
    "margins": "class Margin:\n    def __call__(self, x): return x",
    "late": "bound = 1",
}


@pytest.fixture
def digest(tmp_path):
    """Runs the notebook in a process of its own, after an edit of it or of a file beside it."""

    def run(old="", new="", **edited):
        assert old in NOTEBOOK
        for name, text in (BESIDE | edited).items():
            (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / "notebook.py").write_text(NOTEBOOK.replace(old, new) if old else NOTEBOOK)
        command = [sys.executable, "notebook.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return run


def test_a_notebook_method_is_what_it_names(digest):
    before = digest()
    assert len(before) == 16
    assert digest() == before, "the same in the next session"
    assert digest("    return x\n", "    return -x  # not used\n") == before
    assert digest("\nSTEPS", "\n\n# moved down\n\nSTEPS") == before
    edits = {
        "STEPS = 3": "STEPS = 4",
        "arange(5.0)": "arange(6.0)",
        'ones": 3': 'ones": 4',
        "penalty(y) + margin": "penalty(y) - margin",
        "x * STEPS": "x - STEPS",
        "alpha: float = 0.5": "alpha: float = 0.25",
        "abs(alpha)": "alpha",
        '"ij"': '"ik"',
    }
    after = [digest(old, new) for old, new in edits.items()]
    after += [digest(**{name: f"{text} + 1"}) for name, text in BESIDE.items()]
    assert len({before, *after}) == 1 + len(edits) + len(BESIDE)


def test_of_a_package_every_file_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("one_package", "two_package"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("def forget(): ...")
        (tmp_path / name / "helpers.py").write_text(f"WHO = '{name}'")
    import one_package
    import two_package

    codes = {code_of(one_package.forget), code_of(two_package.forget)}
    assert len(codes) == 2 and "" not in codes


WRAPPING = """
import functools
from qhu.unlearn.finetune import finetune

def counted(make):
    def run(*args):
        return make(*args)
    return run

@functools.wraps(finetune)
def wrapped(*args):
    return finetune(*args)
"""


def test_code_is_foreign_wherever_it_hides(tmp_path, monkeypatch):
    """A plugin may wrap what is qhu's, and be wrapped by what is not its own."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wrapping.py").write_text(WRAPPING)
    import wrapping

    assert code_of(finetune) == ""
    assert wrapping.wrapped.__module__ == finetune.__module__
    theirs = [
        wrapping.wrapped,
        wrapping.counted(finetune),
        functools.partial(finetune, wrapping.counted),
        functools.partial(finetune, loss=[wrapping.counted]),
        functools.cache(wrapping.wrapped),
    ]
    assert len({code_of(thing) for thing in theirs}) == 1
    assert code_of(theirs[0])


def test_own_code_is_hashed_as_a_whole():
    entries = [registry.method[name] for name in registry.method.names()]
    assert {code_of(entry.make, entry.options) for entry in entries} == {""}
