"""What the unmodified client sees of the emulator when all goes well."""

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ibm_runtime import Batch, EstimatorV2, SamplerV2, Session
from qiskit_ibm_runtime.executor_estimator import Estimator

from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.engine.ansatz import Ansatz
from qhu.estimators.noise import device_noise
from qhu.estimators.noisy import NoisyEstimator
from qhu.layout.isa import reduce_ansatz, reduce_target
from qhu.layout.snapshots import snapshot


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


def ideal_values(circuit, observables, values):
    """The values without any noise."""
    ansatz = Ansatz(circuit, (), (), tuple(row[0] for row in observables))
    small, _ = reduce_ansatz(ansatz)
    states = [Statevector(small.circuit.assign_parameters(row)) for row in values]
    return np.array(
        [[state.expectation_value(item).real for state in states] for item in small.observables]
    )


def test_the_account_is_found_by_environment_alone(running, client):
    service = client(running)
    assert service.active_account()["url"].startswith(running.url)
    assert [item["plan"] for item in service.instances()] == ["open"]
    assert service.backends()[0].name == "ibm_manila"
    assert service.least_busy().name == "ibm_manila"


def test_a_program_that_passes_its_own_token_passes_the_address_too(running, client):
    client(running)  # the variables
    from qiskit_ibm_runtime import QiskitRuntimeService

    service = QiskitRuntimeService(**running.account())
    assert [backend.name for backend in service.backends()] == running.devices


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
    assert np.abs(data.evs - ideal_values(circuit, observables, values)).max() > 0.05


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


@pytest.fixture(scope="module")
def brisbane():
    with Emulator("ibm_brisbane", rules=Rules(queue_seconds=0, settle_seconds=0)) as emulator:
        yield emulator


@pytest.mark.parametrize("level", [0, 1, 2])
def test_all_127_qubits_are_read_at_every_resilience_level(brisbane, client, pub, level):
    backend = client(brisbane).backend("ibm_brisbane")
    circuit, observables, values = pub("fake_brisbane")
    assert circuit.num_qubits == 127
    job = Estimator(backend, options={"resilience_level": level}).run(
        [(circuit, observables, values)], precision=0.02
    )
    data = job.result(poll_interval=0.1)[0].data
    exact = noisy_values("fake_brisbane", circuit, observables, values)
    ideal = ideal_values(circuit, observables, values)
    if level == 0:
        assert np.all(np.abs(data.evs - exact) < 4.5 * 0.02)
    else:  # mitigated: nearer the ideal value than the noisy one is, all in all
        assert np.abs(data.evs - ideal).mean() < np.abs(exact - ideal).mean()
    assert np.all(data.stds < 0.2)


def test_dynamical_decoupling_is_taken(manila, pub):
    options = {"resilience_level": 0, "dynamical_decoupling": {"enable": True}}
    circuit, observables, values = pub()
    job = Estimator(manila, options=options).run([(circuit, observables, values)], precision=0.02)
    exact = noisy_values("fake_manila", circuit, observables, values)
    # Its pulses have noise of their own; delays take no time.
    assert np.all(np.abs(job.result(poll_interval=0.1)[0].data.evs - exact) < 4.5 * 0.02)


def test_a_session_is_billed_by_its_life(start, client, pub):
    emulator = start(rules=Rules(plan="paygo", queue_seconds=0, settle_seconds=0, pace=0.5))
    service = client(emulator)
    assert [item["pricing_type"] for item in service.instances()] == ["paygo"]
    with Session(service.backend("ibm_manila"), max_time="1h") as session:
        estimator = Estimator(session, options={"resilience_level": 0})
        first = estimator.run([pub()], precision=0.2)
        first.result()
        assert session.details()["max_time"] == 3600
        assert session.status() == "In progress, accepting new jobs"
        again = Session.from_id(session.session_id, service)
        assert Estimator(again).run([pub()], precision=0.2).session_id == session.session_id
    assert not session.details()["accepting_jobs"]
    first.wait_for_final_state()
    assert service.usage()["usage_consumed_seconds"] >= first.usage() > 2
    assert "usage_limit_seconds" not in service.usage()


def test_a_job_can_be_looked_up_read_and_relabelled(manila, running, pub):
    job = Estimator(manila, options={"resilience_level": 0}).run([pub()], precision=0.2)
    job.wait_for_final_state(poll_interval=0.1)
    found = manila.service.job(job.job_id())
    assert found.status() == "DONE"
    assert found.backend().name == "ibm_manila"
    assert found.inputs["quantum_program"].shots == 25
    assert found.update_tags(["new"]) == ["new"]
    assert [item.job_id() for item in manila.service.jobs(job_tags=["new"])] == [job.job_id()]
    assert "Completed" in found.logs()
    times = found.metrics()["timestamps"]
    assert times["created"] <= times["running"] <= times["finished"]
    assert found.properties().backend_name == "ibm_manila"
    manila.service.delete_job(job.job_id())
    assert job.job_id() not in [item["id"] for item in running.jobs()]


def test_jobs_are_listed_by_pages_and_filters(manila, running, pub):
    before = len(running.jobs())
    estimator = Estimator(manila, options={"resilience_level": 0})
    jobs = [estimator.run([pub()], precision=0.5) for _ in range(3)]
    for job in jobs:
        job.wait_for_final_state(poll_interval=0.1)
    ids = [job.job_id() for job in jobs]
    list_jobs = manila.service.jobs
    assert [job.job_id() for job in list_jobs(limit=2, skip=1)] == [ids[1], ids[0]]
    assert len(list_jobs(limit=None)) == before + 3
    assert list_jobs(pending=True) == []
    assert len(list_jobs(limit=None, pending=False, program_id="executor")) == before + 3
    assert list_jobs(program_id="sampler", backend_name="ibm_nowhere") == []
    newer = list_jobs(created_after=jobs[1].creation_date, descending=False)
    assert [job.job_id() for job in newer] == ids[1:]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_older_primitives(manila, pub):
    circuit, observables, values = pub()
    job = EstimatorV2(manila, options={"resilience_level": 2}).run(
        [(circuit, observables, values)], precision=0.02
    )
    result = job.result(poll_interval=0.1)
    exact = noisy_values("fake_manila", circuit, observables, values)
    assert np.all(np.abs(result[0].data.evs - exact) < 4.5 * 0.02)
    assert result.metadata["emulator"]["mitigation"] == "none"
    assert result.metadata["emulator"]["ignored"]["resilience_level"] == 2

    measured = circuit.measure_all(inplace=False)
    bits = SamplerV2(manila).run([(measured, values)], shots=20_000).result()[0].data.meas
    assert bits.shape == (2,)
    signs = 1 - 2 * bits.to_bool_array("little").astype(int)
    for row, observable in enumerate(observables):
        (((_, qubit, _),),) = [observable[0].to_sparse_list()]
        assert np.all(np.abs(signs[..., qubit[0]].mean(axis=1) - exact[row]) < 4.5 * 20_000**-0.5)
