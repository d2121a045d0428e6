"""Prices, against what the genuine client would send."""

import warnings

import numpy as np
import pytest

from qhu.hardware import options as device_options
from qhu.hardware.cost import OVERHEAD, job_cost, payload, price, pub_cost
from qhu.hardware.options import Options
from qhu.layout.calibration import Clock
from qhu.layout.isa import compile_ansatz

CLOCK = Clock(250e-6, 2e-6)


@pytest.fixture(scope="module")
def prepared():
    """Items of the job that the client makes: (sizes, shots), from options and PUBs."""
    from qiskit_ibm_runtime.executor_estimator.prepare import prepare
    from qiskit_ibm_runtime.options_models import EstimatorOptions

    def make(options, pubs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nested = EstimatorOptions(**device_options.estimator_options(options))
            program, _ = prepare(pubs, nested)
        return [item.size() for item in program.items], program.shots

    return make


@pytest.mark.parametrize(
    "options",
    [
        {"resilience_level": 0, "shots": 100},
        {"resilience_level": 1, "shots": 100},
        {"resilience_level": 1, "shots": 5000},
        {"resilience_level": 2, "shots": 130},
        {"resilience_level": 0, "shots": 130, "twirl_gates": True},
        {"resilience_level": 0, "shots": 130, "twirl_readout": True},
    ],
)
@pytest.mark.parametrize("labels", [("ZI", "IZ"), ("ZZ", "XI")])
def test_executions_are_those_that_the_client_sends(make_ansatz, prepared, options, labels):
    from qhu.layout.snapshots import snapshot

    options = Options(**options)
    isa = compile_ansatz(
        make_ansatz(2, observables=labels),
        snapshot("fake_manila").target,
        optimization_level=1,
        seed=0,
    )
    observables = [[item] for item in isa.observables]
    pubs = [
        (isa.circuit, observables, np.zeros((sets, isa.circuit.num_parameters))) for sets in (3, 5)
    ]
    sizes, shots = prepared(options, pubs)
    spent = device_options.spent(options)
    bases = 1 if labels == ("ZI", "IZ") else 2
    costs = [pub_cost(sets, bases, 1e-5, CLOCK, spent) for sets in (3, 5)]
    assert job_cost(costs, CLOCK, spent).executions == sum(sizes) * shots


def test_seconds_by_hand():
    spent = device_options.spent(Options(resilience_level=0, shots=1000))
    cost = pub_cost(10, 1, 48e-6, CLOCK, spent)
    assert cost.seconds == pytest.approx(10_000 * 300e-6)
    assert job_cost([cost, cost], CLOCK, spent).seconds == pytest.approx(OVERHEAD + 6.0)


def test_readout_calibration_is_paid_once_per_job():
    spent = device_options.spent(Options(resilience_level=1, shots=256))
    cost = pub_cost(10, 1, 0.0, CLOCK, spent)
    one, two = (job_cost([cost] * n, CLOCK, spent) for n in (1, 2))
    assert (one.executions, two.executions) == (11 * 256, 21 * 256)


def test_extrapolation_stretches_the_circuit():
    spent = device_options.spent(Options(resilience_level=2, shots=64))
    cost = pub_cost(1, 1, 1e-3, Clock(0, 0), spent)
    assert (cost.executions, cost.seconds) == (3 * 64, pytest.approx(64 * 9e-3))


def test_money_and_payload_in_words():
    assert price(90.0, 1.6, "EUR") == "144.00 EUR"
    assert payload(1, 1000) - payload(1, 0) == 10_666


def test_options_reach_the_client():
    options = Options(
        shots=100, resilience_level=2, twirl_gates=False, dynamical_decoupling="XY4", rep_delay=1e-4
    )
    assert device_options.estimator_options(options) == {
        "default_shots": 100,
        "resilience_level": 2,
        "twirling": {"enable_gates": False, "enable_measure": None},
        "dynamical_decoupling": {"enable": True, "sequence_type": "XY4"},
        "execution": {"rep_delay": 1e-4},
    }
