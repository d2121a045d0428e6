"""The client is tried before anything is paid for: one that does not do is refused in one line."""

import importlib.metadata

import pytest
from qiskit_ibm_runtime.decoders import defaults
from qiskit_ibm_runtime.decoders.result_decoder import ResultDecoder

from qhu.backends.ibm import IbmBackend
from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.errors import UserError
from qhu.hardware import client
from qhu.hardware.access import Access, redirected
from qhu.hardware.options import Options
from qhu.hardware.questions import Answer


@pytest.fixture(scope="module")
def emulator():
    with Emulator("fake_fez", rules=Rules(queue_seconds=0, settle_seconds=0)) as emulator:
        yield emulator


@pytest.fixture
def jobs(emulator, tmp_path, monkeypatch):
    """Makes where a run's jobs go."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    access = Access(emulator.url, emulator.token, emulator.instance, 60.0)

    def make(**options):
        backend = IbmBackend("ibm_fez", Options(**options))
        backend.access = access
        return backend.session.jobs

    with redirected(access):
        yield make


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_client_that_is_installed_does(jobs, emulator, level):
    jobs(resilience_level=level, dynamical_decoupling="XY4", shots=100).check()
    assert emulator.jobs() == []


class Stumbles(ResultDecoder):
    @classmethod
    def decode(cls, data):
        raise TypeError("'type' object is not iterable")


def other_decoders(monkeypatch, *decoders):
    changed = {**defaults.DEFAULT_DECODERS, "executor": list(decoders)}
    monkeypatch.setattr(defaults, "DEFAULT_DECODERS", changed)


def no_such_options(monkeypatch):
    from qiskit_ibm_runtime import executor_estimator

    def estimator(mode=None, options=None):
        raise ValueError("unknown option: resilience_level")

    monkeypatch.setattr(executor_estimator, "Estimator", estimator)


def no_estimator(monkeypatch):
    from qiskit_ibm_runtime import executor_estimator

    monkeypatch.delattr(executor_estimator, "Estimator")


def sends_otherwise(monkeypatch):
    from qiskit_ibm_runtime import executor_estimator

    class Estimator(executor_estimator.Estimator):
        def run(self, pubs):
            self._service._run(program_id="estimator", inputs={"pubs": []})

    monkeypatch.setattr(executor_estimator, "Estimator", Estimator)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda patch: other_decoders(patch, Stumbles),
        lambda patch: other_decoders(patch, ResultDecoder),
        no_such_options,
        no_estimator,
        sends_otherwise,
    ],
    ids=["cannot decode", "decodes half", "other options", "no Estimator", "sends otherwise"],
)
def test_one_that_does_not_is_refused_before_money_is_spent(jobs, emulator, monkeypatch, spoil):
    spoil(monkeypatch)
    with pytest.raises(UserError, match="does not do what qhu needs of it") as caught:
        jobs().check()
    line = str(caught.value)
    assert "\n" not in line and client.supported() in line
    assert importlib.metadata.version("qiskit-ibm-runtime") in line
    assert emulator.jobs() == []


def test_one_that_reads_other_values_is_refused(jobs, monkeypatch):
    read = client.read
    monkeypatch.setattr(client, "read", lambda *asked: [Answer(-m, e) for m, e in read(*asked)])
    with pytest.raises(UserError, match="bits that are all 0 are read as"):
        jobs().check()
