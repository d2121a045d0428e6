import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from qhu.engine.ansatz import Ansatz
from qhu.errors import UserError
from qhu.estimators.noise import figures_target
from qhu.layout.isa import compile_ansatz, reduce_ansatz, reduce_target
from qhu.layout.snapshots import snapshot


@pytest.fixture
def target():
    return snapshot("fake_manila").target


@pytest.fixture
def compiled(target):
    def run(ansatz, level=3, seed=0, layout=None):
        return compile_ansatz(ansatz, target, optimization_level=level, seed=seed, layout=layout)

    return run


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("layout", [None, [3, 1, 2], [2, 3, 4]])
def test_layout_and_reduction_keep_every_output_in_its_place(
    compiled, make_ansatz, draw, exact, level, layout
):
    ansatz = make_ansatz(observables=["IIZ", "IZI", "ZII", "XYZ"])
    rows = draw(ansatz, 3)
    isa = compiled(ansatz, level, layout=layout)
    small, qubits = reduce_ansatz(isa)
    np.testing.assert_allclose(exact(isa, rows), exact(ansatz, rows), atol=1e-12)
    np.testing.assert_allclose(exact(small, rows), exact(ansatz, rows), atol=1e-12)
    assert small.circuit.num_qubits == len(qubits) <= 5
    assert not isa.circuit.num_clbits


def test_a_swap_absorbed_into_the_layout_is_followed(compiled, make_ansatz, draw, exact):
    ansatz = make_ansatz()
    ansatz.circuit.swap(0, 2)
    rows = draw(ansatz, 2)
    isa = compile_ansatz(ansatz, figures_target(3), optimization_level=3, seed=0)
    assert isa.circuit.layout.final_index_layout() == [2, 1, 0]
    np.testing.assert_allclose(exact(isa, rows), exact(ansatz, rows), atol=1e-12)


def test_a_measured_qubit_without_gates_is_kept(compiled):
    circuit = QuantumCircuit(2)
    circuit.x(0)
    operators = (SparsePauliOp("IZ"), SparsePauliOp("ZI"))
    small, qubits = reduce_ansatz(compiled(Ansatz(circuit, (), (), operators), layout=[4, 1]))
    assert qubits == (1, 4)
    assert small.observables == (SparsePauliOp("ZI"), SparsePauliOp("IZ"))


def test_the_seed_decides_the_circuit(compiled, make_ansatz):
    ansatz = make_ansatz(4)
    assert compiled(ansatz, seed=5).circuit == compiled(ansatz, seed=5).circuit


def test_the_layout_avoids_a_qubit_that_is_badly_read():
    """Qubit 11 of this snapshot errs in 15 % of its readouts, and its gates are good."""
    target = snapshot("fake_brisbane").target
    star = QuantumCircuit(4)
    for q in range(4):
        star.sx(q)
        star.ecr(q, (q + 1) % 4)
    ansatz = Ansatz(star, (), (), (SparsePauliOp("ZZZZ"),))
    isa = compile_ansatz(ansatz, target, optimization_level=3, seed=0)
    read = [target["measure"][(q,)].error for q in reduce_ansatz(isa)[1]]
    assert max(read) < 0.05


def test_a_reduced_target_keeps_calibration_and_drops_the_rest(target):
    small = reduce_target(target, [1, 2, 4])
    assert small.num_qubits == 3 and small.dt == target.dt
    assert set(small["cx"]) == {(0, 1), (1, 0)}
    assert small["cx"][(1, 0)] == target["cx"][(2, 1)]
    assert small["measure"][(2,)] == target["measure"][(4,)]
    assert small.qubit_properties[2].t1 == target.qubit_properties[4].t1


@pytest.mark.parametrize(
    ("qubits", "layout", "message"),
    [
        (6, None, "needs 6 qubits and the device has 5"),
        (3, [0, 1], "3 different qubits"),
        (3, [0, 1, 1], "3 different qubits"),
        (3, [0, 1, 5], "must lie in 0 … 4"),
    ],
)
def test_what_does_not_fit_is_refused(compiled, make_ansatz, qubits, layout, message):
    with pytest.raises(UserError, match=message):
        compiled(make_ansatz(qubits), layout=layout)
