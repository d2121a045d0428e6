"""Programs as other packages send them: what is answered, and what is refused at once, by name."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.quantum_info import DensityMatrix, SparseObservable, SparsePauliOp, Statevector
from qiskit_ibm_runtime import EstimatorV2, SamplerV2
from qiskit_ibm_runtime.exceptions import IBMRuntimeError
from qiskit_ibm_runtime.execution_span import ExecutionSpans
from qiskit_ibm_runtime.executor_sampler import SamplerV2 as ExecutorSampler

from qhu.emulator import Emulator
from qhu.emulator.errors import ProgramError
from qhu.emulator.parts import check
from qhu.emulator.platform import Rules
from qhu.emulator.readings import terms

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def wide():
    with Emulator("fake_brisbane", rules=Rules(queue_seconds=0, settle_seconds=0)) as emulator:
        yield emulator


@pytest.fixture
def brisbane(wide, client):
    return client(wide).backend("ibm_brisbane")


@pytest.fixture
def manila(running, client):
    return client(running).backend("ibm_manila")


def result(job):
    return job.result(poll_interval=0.1)


def dynamic(kind):
    """A circuit on a device of 127 qubits that is measured, but not only at the end."""
    bits = ClassicalRegister(2, "c")
    circuit = QuantumCircuit(QuantumRegister(127), bits)
    circuit.x(0)
    circuit.measure(0, bits[0])
    if kind == "if_else":
        with circuit.if_test((bits[0], 1)):
            circuit.x(1)
    elif kind == "switch_case":
        with circuit.switch(bits) as case, case(1):
            circuit.x(1)
    elif kind == "for_loop":
        with circuit.for_loop(range(2)):
            circuit.x(1)
    elif kind == "reset":
        circuit.x(1)
        circuit.reset(1)
    else:
        circuit.x(0)
    circuit.measure(1, bits[1])
    return circuit


@pytest.mark.parametrize("sampler", [SamplerV2, ExecutorSampler])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("if_else", "if_else.* steers the circuit"),
        ("switch_case", "switch_case.* steers the circuit"),
        ("for_loop", "for_loop.* steers the circuit"),
        ("reset", "reset.* of a qubit in use"),
        ("mid-circuit", "x.* follows a measurement of its qubit"),
    ],
)
def test_what_is_not_emulated_is_refused_at_once_by_name(wide, brisbane, sampler, kind, name):
    before = len(wide.requests)
    with pytest.raises(IBMRuntimeError, match=name):
        sampler(brisbane).run([dynamic(kind)], shots=10)
    # The client repeats what a 5xx answers, for 15 s.
    posted = [status for method, path, status in wide.requests[before:] if path == "/jobs"]
    assert posted == [400]
    assert wide.jobs() == []


def test_too_many_connected_qubits_are_refused_at_once(wide, brisbane):
    circuit = QuantumCircuit(127, 11)
    for first, second in brisbane.coupling_map.get_edges():
        if first < 14 and second < 14:
            circuit.ecr(first, second)
    circuit.measure(range(11), range(11))
    with pytest.raises(IBMRuntimeError, match="gates connect 14 qubits; up to 10 are emulated"):
        SamplerV2(brisbane).run([circuit], shots=10)


def test_loops_are_refused():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.while_loop((circuit.clbits[0], 1)):
        circuit.measure(0, 0)
    with pytest.raises(ProgramError, match="'while_loop' steers"):
        check(circuit)


def test_a_bit_that_is_written_twice_is_refused():
    circuit = QuantumCircuit(2, 1)
    circuit.measure([0, 1], [0, 0])
    with pytest.raises(ProgramError, match="classical bit that was measured before"):
        check(circuit)


def test_a_reset_at_the_start_changes_nothing(manila):
    circuit = QuantumCircuit(5, 1)
    circuit.reset(0)
    circuit.x(0)
    circuit.measure(0, 0)
    counts = result(SamplerV2(manila).run([circuit], shots=1000))[0].data.c.get_counts()
    assert counts["1"] > 900


@pytest.mark.parametrize("kind", ["kerneled", "avg_kerneled"])
def test_readout_that_is_not_emulated_is_refused(manila, kind):
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    options = {"execution": {"meas_type": kind}}
    with pytest.raises(IBMRuntimeError, match=f"meas_type .*{kind}.* is not emulated"):
        SamplerV2(manila, options=options).run([circuit])


def test_a_program_that_cannot_be_read_is_a_bad_request(wide, brisbane):
    for params in (
        {"pubs": [[1]]},
        {"pubs": [{"__type__": "QuantumCircuit", "__value__": "AA=="}]},
    ):
        with pytest.raises(Exception, match=r"400 Client Error.*cannot be read"):
            brisbane.service._active_api_client.program_run(
                "sampler", "ibm_brisbane", params, None, None, None
            )


# The older estimator.


@pytest.mark.parametrize("width", [11, 40, 127])
def test_z_on_many_qubits_of_a_wide_device(brisbane, width):
    circuit = QuantumCircuit(127)
    circuit.x(range(0, width, 2))
    observables = [SparsePauliOp.from_sparse_list([("Z", [q], 1)], 127) for q in range(width)]
    whole = SparsePauliOp.from_sparse_list([("Z" * width, list(range(width)), 1)], 127)
    job = EstimatorV2(brisbane).run([(circuit, [*observables, whole])], precision=0.05)
    data = result(job)[0].data
    assert np.all(np.sign(data.evs[:-1]) == [-1 if q % 2 == 0 else 1 for q in range(width)])
    # Independent flips: the parity is the product, to within the shots of both.
    assert data.evs[-1] == pytest.approx(np.prod(data.evs[:-1]), abs=0.35)


def test_values_of_all_letters_and_shapes_are_those_of_the_state(start, client):
    """Weak noise of a device, so the state itself is the truth within a bound for both."""
    backend = client(start("fake_manila")).backend("ibm_manila")
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(5)
    for qubit, angle in ((0, a), (1, b)):
        circuit.rz(np.pi / 2, qubit)
        circuit.sx(qubit)
        circuit.rz(angle, qubit)
        circuit.sx(qubit)
    circuit.cx(0, 1)
    labels = ["IIIXZ", "IIIYY", "IIIII", {"IIIXX": 0.5, "IIIZI": -2.0}]
    values = np.array([[0.3, 1.0], [2.0, 0.4], [1.2, 2.2]])
    job = EstimatorV2(backend).run([(circuit, [[x] for x in labels], values)], precision=0.01)
    data = result(job)[0].data
    assert data.evs.shape == data.stds.shape == (4, 3)
    assert (
        result(EstimatorV2(backend).run([(circuit, labels[0], values[0])]))[0].data.evs.shape == ()
    )
    for row, label in enumerate(labels):
        terms = label.items() if isinstance(label, dict) else [(label, 1.0)]
        for column, point in enumerate(values):
            state = Statevector(circuit.assign_parameters(point))
            exact = sum(weight * expected(state, letters) for letters, weight in terms)
            assert data.evs[row, column] == pytest.approx(exact, abs=0.2), (label, point)
    assert np.all(data.evs[2] == 1) and np.all(data.stds[2] == 0)
    assert np.all(data.stds[[0, 1]] < 0.0101)


@pytest.mark.parametrize("letters", ["Z", "X0", "+Y", "r1-", "lZ0+"])
def test_projectors_are_read_from_bits(letters):
    """In the basis of its letters a term is a diagonal matrix: entry by entry from the bits."""
    rotated = "".join({"X": "Z", "Y": "Z"}.get(x, "1" if x in "-l" else x) for x in letters)
    rotated = rotated.replace("+", "0").replace("r", "0")
    (term,) = terms(SparseObservable(letters))
    outcomes = np.arange(2 ** len(letters))
    bits = {q: ((outcomes >> q) & 1).astype(bool)[None] for q in range(len(letters))}
    assert np.array_equal(term.values(bits)[0], np.diag(matrix(rotated)).real)
    axes = {"X": "X+-", "Y": "Yrl", "Z": "Z01"}
    assert all(letters[::-1][qubit] in axes[axis] for qubit, axis in term.axes.items())
    assert len(term.axes) == len(letters)


def expected(state, letters):
    """Expectation of a product of Pauli matrices and projectors."""
    return np.trace(DensityMatrix(state).data @ matrix(letters)).real


def matrix(letters):
    """Product of Pauli matrices and projectors."""
    matrices = {
        "I": np.eye(2), "X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": np.diag([1, -1]),
        "0": np.diag([1, 0]), "1": np.diag([0, 1]),
        "+": np.full((2, 2), 0.5), "-": [[0.5, -0.5], [-0.5, 0.5]],
        "r": [[0.5, -0.5j], [0.5j, 0.5]], "l": [[0.5, 0.5j], [-0.5j, 0.5]],
    }  # fmt: skip
    whole = np.eye(1)
    for letter in letters:
        whole = np.kron(whole, matrices[letter])
    return whole


# The older sampler.


def test_the_older_sampler_tells_when_it_ran(manila):
    angle = Parameter("a")
    circuit = QuantumCircuit(5, 2, metadata={"who": "me"})
    circuit.rz(angle, 0)
    circuit.measure([0, 1], [0, 1])
    job = SamplerV2(manila).run([(circuit, [[0.1], [0.2]]), (circuit, [0.3])], shots=20)
    read = result(job)
    spans = read.metadata["execution"]["execution_spans"]
    assert isinstance(spans, ExecutionSpans)
    assert 0 <= spans.duration < 60 and spans.stop >= spans.start
    assert spans.pub_idxs == [0, 1] and [span.size for span in spans.sort()] == [40, 20]
    assert spans.filter_by_pub(0)[0].mask(0).shape == (2, 20)
    assert read[0].metadata["circuit_metadata"] == {"who": "me"}


# Calibrations, private jobs, figures.


def test_a_calibration_is_asked_for_by_its_number(start, client):
    emulator = start("fake_manila")
    emulator.calibrate("ibm_manila")
    service = client(emulator)
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    errors = []
    for number in ("0", "1"):
        backend = service.backend("ibm_manila", calibration_id=number)
        errors.append(backend.properties().readout_error(0))
        job = SamplerV2(backend).run([circuit], shots=10)
        assert result(job).metadata["emulator"]["calibration"] == int(number)
    newest = service.backend("ibm_manila").properties().readout_error(0)
    assert errors[0] != errors[1] == newest
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("ibm_manila", calibration_id="7")
    refused = ("GET", "/backends/ibm_manila/configuration", 404)
    assert emulator.requests[-1] == refused


def test_results_of_a_private_job_are_given_once_then_nothing(manila):
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    sampler = SamplerV2(manila)
    sampler.options.environment.private = True
    job = sampler.run([circuit], shots=10)
    assert result(job) and not result(job)


def test_figures_are_of_the_kinds_that_ibm_gives(manila):
    circuit = QuantumCircuit(5, 1)
    circuit.measure(0, 0)
    job = SamplerV2(manila).run([circuit], shots=10)
    result(job)
    assert job.metrics()["qiskit_version"]
    usage = manila.service.usage()
    kinds = ["usage_consumed_seconds", "usage_limit_seconds", "usage_remaining_seconds"]
    assert [type(usage[name]) for name in kinds] == [int, int, int]
    assert usage["usage_remaining_seconds"] < 600
