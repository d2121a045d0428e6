"""Fixtures that several test files share."""

import pytest
import torch

from qhu.backends.base import open_backend
from qhu.model.hybrid import HybridNet
from qhu.settings import ModelSpec


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)  # pytest-xdist runs one process per core


@pytest.fixture
def make_net():
    """Builds a network on the exact backend from options of the model."""

    def make(shape=(4,), classes=3, **options):
        return HybridNet(ModelSpec(**options), shape, classes, open_backend("statevector"))

    return make


TINY = """
name: tiny
training: {epochs: 3}
unlearning: {steps: 5}
scenarios:
  subset: {fraction: 0.1}
  class: {label: 0}
methods: [finetune, scrub]
seeds: 0-1
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A small experiment file in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def qhu(monkeypatch, capsys):
    """Calls the command in this process: arguments to (exit status, standard output, errors)."""
    from qhu.cli import main

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["qhu", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as done:
            status = done.code or 0
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call
