"""What the unmodified client sees of the emulator when all goes well."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ibm_runtime import Batch
from qiskit_ibm_runtime.executor_estimator import Estimator

from qhu.backends.devices import snapshot
from qhu.backends.isa import reduce_ansatz, reduce_target
from qhu.backends.noise import device_noise
from qhu.backends.noisy_estimator import NoisyEstimator
from qhu.engine.ansatz import Ansatz


@pytest.fixture
def manila(running, client):
    return client(running).backend("ibm_manila")


def noisy_values(device, circuit, observables, values):
    """The exact values under the device's noise, readout error included."""
    flat = tuple(row[0] for row in observables)
    small, qubits = reduce_ansatz(Ansatz(circuit, (), (), flat))
    noise = device_noise(reduce_target(snapshot(device).target, qubits))
    estimator = NoisyEstimator(noise, 0.0, np.random.default_rng(0))
    columns = [[item] for item in small.observables]
    return estimator.run([(small.circuit, columns, values)]).result()[0].data.evs


def test_the_account_is_found_by_environment_alone(running, client):
    service = client(running)
    assert service.active_account()["url"].startswith(running.url)
    assert [item["plan"] for item in service.instances()] == ["open"]
    assert service.backends()[0].name == "ibm_manila"
    assert service.least_busy().name == "ibm_manila"


def test_a_device_is_its_snapshot_and_says_that_it_is_emulated(manila):
    twin = snapshot("fake_manila")
    assert manila.configuration().description.startswith("EMULATED")
    assert manila.num_qubits == 5
    assert manila.status().operational
    assert manila.coupling_map.get_edges() == twin.coupling_map.get_edges()
    for name in ("sx", "cx", "measure"):
        for qubits, figures in twin.target[name].items():
            assert manila.target[name][qubits].error == figures.error
            assert manila.target[name][qubits].duration == figures.duration


def test_values_are_those_of_the_noisy_circuit(manila, pub):
    circuit, observables, values = pub()
    estimator = Estimator(manila, options={"resilience_level": 0})
    job = estimator.run([(circuit, observables, values)], precision=0.01)
    data = job.result(poll_interval=0.1)[0].data
    exact = noisy_values("fake_manila", circuit, observables, values)
    assert data.evs.shape == (3, 2)
    assert np.all(np.abs(data.evs - exact) < 4.5 * 0.01)
    # The noise itself is well above that: readout and gates move a value by more.
    ideal = [
        [Statevector(circuit.assign_parameters(v)).expectation_value(o[0]).real for v in values]
        for o in observables
    ]
    assert np.abs(data.evs - ideal).max() > 0.05


def test_a_batch_takes_tagged_jobs_and_bills_their_sum(manila, running, pub):
    with Batch(manila) as batch:
        estimator = Estimator(batch, options={"resilience_level": 0})
        estimator.options.environment.job_tags = ["one", "both"]
        first = estimator.run([pub()], precision=0.1)
        estimator.options.environment.job_tags = ["both"]
        second = estimator.run([pub()], precision=0.2)
    assert first.result(poll_interval=0.1)[0].data.evs.shape == (3, 2)
    second.result(poll_interval=0.1)
    service = manila.service
    found = service.jobs(job_tags=["both"])
    assert [job.job_id() for job in found] == [second.job_id(), first.job_id()]
    assert [job.job_id() for job in service.jobs(job_tags=["both", "one"])] == [first.job_id()]
    assert service.job(first.job_id()).image == "emulator:0"
    assert batch.details()["mode"] == "batch"
    assert batch.status() == "Closed"
    assert batch.usage() == pytest.approx(first.usage() + second.usage(), abs=2e-3)


def test_commuting_observables_of_other_bases_are_rotated(manila, pub):
    circuit, _, values = pub()
    observable = SparsePauliOp.from_sparse_list([("XY", [0, 1], 1)], 3).apply_layout(circuit.layout)
    estimator = Estimator(manila, options={"resilience_level": 0})
    result = estimator.run([(circuit, [[observable]], values)], precision=0.01).result()
    exact = noisy_values("fake_manila", circuit, [[observable]], values)
    assert np.all(np.abs(result[0].data.evs - exact) < 4.5 * 0.01)
