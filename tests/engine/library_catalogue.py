"""Each class and each function of ``qiskit.circuit.library``, with numbers and with parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from qiskit.circuit import Gate, Parameter, ParameterVector, QuantumCircuit
from qiskit.circuit import library as lib
from qiskit.quantum_info import SparsePauliOp, random_hermitian, random_unitary

A, B, C = (Parameter(name) for name in "abc")
V = ParameterVector("v", 4)
ANGLES = ((0.3, -0.8, 1.1, 0.4), (A, B + 0.2, 2 * C, A * B), (A.exp() / 3, 0.2, B.arctan(), C))
"""For gates whose parameters are angles alone: numbers, polynomials, and others."""
STATE = np.array([0.6, 0, 0.48j, 0.64])
PAIR = SparsePauliOp(["ZZ", "XI"], [0.4, -0.7])
GRAPH = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
EDGES = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
UNITARIES = [random_unitary(2, seed=seed).data for seed in range(4)]

Build = Callable[[], Any]


def with_angles(kind: type, count: int, **more: Any) -> list[Build]:
    """A gate at each kind of angles."""
    if not count:
        return [partial(kind, **more)]
    return [partial(kind, *angles[:count], **more) for angles in ANGLES]


def standard() -> dict[str, list[Build]]:
    """All standard gates, by their classes' names."""
    gates = {}
    for item in lib.get_standard_gate_name_mapping().values():
        kind = item.base_class
        if hasattr(lib, kind.__name__) and issubclass(kind, Gate):
            gates[kind.__name__] = with_angles(kind, len(item.params))
    return gates


def _evolution(time: Any) -> Any:
    return lib.PauliEvolutionGate(PAIR, time)


def _half() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.cp(0.7, 0, 1)
    return circuit


def _flip() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.cz(0, 1)
    return circuit


GATES: dict[str, list[Build]] = {
    "CU1Gate": with_angles(lib.CU1Gate, 1),
    "MCPhaseGate": with_angles(lib.MCPhaseGate, 1, num_ctrl_qubits=2),
    "MCU1Gate": with_angles(lib.MCU1Gate, 1, num_ctrl_qubits=2),
    "MCXGate": [lambda: lib.MCXGate(3), lambda: lib.MCXGate(4, ctrl_state=5)],
    "MCXGrayCode": [lambda: lib.MCXGrayCode(4)],
    "MCXRecursive": [lambda: lib.MCXRecursive(5)],
    "MCXVChain": [lambda: lib.MCXVChain(3, dirty_ancillas=True), lambda: lib.MCXVChain(3)],
    "DiagonalGate": [lambda: lib.DiagonalGate([1, 1j, -1, np.exp(0.3j)])],
    "Isometry": [lambda: lib.Isometry(random_unitary(4, seed=1).data[:, :2], 0, 0)],
    "LinearFunction": [lambda: lib.LinearFunction([[1, 1, 0], [0, 1, 0], [0, 0, 1]])],
    "MCGupDiag": [lambda: lib.MCGupDiag(UNITARIES[0], 2, 0, 0)],
    "MCMTGate": [
        *(partial(lambda a: lib.MCMTGate(lib.RYGate(a), 1, 2), angles[0]) for angles in ANGLES),
        lambda: lib.MCMTGate(lib.ZGate(), 2, 1),
    ],
    "MSGate": [partial(lambda a: lib.MSGate(3, a), angles[0]) for angles in ANGLES],
    "PauliGate": [lambda: lib.PauliGate("XYZ")],
    "PauliProductRotationGate": [
        partial(lambda a: lib.PauliProductRotationGate(PAIR.paulis[0], a), angles[0])
        for angles in ANGLES
    ],
    "PermutationGate": [lambda: lib.PermutationGate([2, 0, 1])],
    "RVGate": [lambda: lib.RVGate(0.3, -0.2, 0.8), lambda: lib.RVGate(0, 0, 0)],
    "UCGate": [lambda: lib.UCGate(UNITARIES), lambda: lib.UCGate(UNITARIES[:2], True)],
    "UCPauliRotGate": [lambda: lib.UCPauliRotGate([0.1, 0.2, 0.3, 0.4], "X")],
    "UCRXGate": [lambda: lib.UCRXGate([0.1, 0.2, 0.3, 0.4])],
    "UCRYGate": [lambda: lib.UCRYGate([0.1, 0.2])],
    "UCRZGate": [lambda: lib.UCRZGate([0.1, 0.2, 0.3, 0.4])],
    "UnitaryGate": [
        partial(lambda n: lib.UnitaryGate(random_unitary(2**n, seed=n)), n) for n in (1, 2, 3, 4)
    ],
    "PauliEvolutionGate": [partial(_evolution, angles[0]) for angles in ANGLES],
    "HamiltonianGate": [
        partial(lambda t: lib.HamiltonianGate(random_hermitian(4, seed=1), t), angles[0])
        for angles in ANGLES
    ],
    "AndGate": [lambda: lib.AndGate(2, [1, -1])],
    "OrGate": [lambda: lib.OrGate(2)],
    "BitwiseXorGate": [lambda: lib.BitwiseXorGate(2, 3)],
    "InnerProductGate": [lambda: lib.InnerProductGate(2)],
    "QFTGate": [lambda: lib.QFTGate(3)],
    "ExactReciprocalGate": [lambda: lib.ExactReciprocalGate(2, 0.5)],
    "IntegerComparatorGate": [lambda: lib.IntegerComparatorGate(2, 2)],
    "LinearAmplitudeFunctionGate": [
        lambda: lib.LinearAmplitudeFunctionGate(2, 0.3, 0.1, (0, 1), (0, 1))
    ],
    "LinearPauliRotationsGate": [lambda: lib.LinearPauliRotationsGate(2, 0.3, 0.2)],
    "PiecewiseChebyshevGate": [lambda: lib.PiecewiseChebyshevGate(lambda x: x, 2, 2, [0, 2])],
    "PiecewiseLinearPauliRotationsGate": [
        lambda: lib.PiecewiseLinearPauliRotationsGate(2, [0, 2], [0.3, 0.1], [0.2, 0.4])
    ],
    "PiecewisePolynomialPauliRotationsGate": [
        lambda: lib.PiecewisePolynomialPauliRotationsGate(2, [0, 2], [[0.1, 0.2], [0.3, 0.1]])
    ],
    "PolynomialPauliRotationsGate": [lambda: lib.PolynomialPauliRotationsGate(2, [0.1, 0.2, 0.3])],
    "QuadraticFormGate": [lambda: lib.QuadraticFormGate(2, [[0, 1], [0, 0]], [1, 0], 1)],
    "WeightedSumGate": [lambda: lib.WeightedSumGate(2, [1, 2])],
    "FullAdderGate": [lambda: lib.FullAdderGate(1)],
    "HalfAdderGate": [lambda: lib.HalfAdderGate(1)],
    "ModularAdderGate": [lambda: lib.ModularAdderGate(2)],
    "MultiplierGate": [lambda: lib.MultiplierGate(1)],
    "Initialize": [lambda: lib.Initialize(STATE), lambda: lib.Initialize("+r")],
    "StatePreparation": [lambda: lib.StatePreparation(STATE), lambda: lib.StatePreparation("-1")],
    "UniformSuperpositionGate": [lambda: lib.UniformSuperpositionGate(3)],
    "GraphStateGate": [lambda: lib.GraphStateGate(GRAPH)],
    "PhaseOracleGate": [lambda: lib.PhaseOracleGate("x & ~y")],
    "BitFlipOracleGate": [lambda: lib.BitFlipOracleGate("x ^ y")],
    "Barrier": [lambda: lib.Barrier(3)],
}
_MATRIX = [[0, 1], [0, 0]]
CIRCUITS: dict[str, list[Build]] = {
    "GMS": [lambda: lib.GMS(2, [[0, 0.3], [0.3, 0]])],
    "GR": [lambda: lib.GR(2, 0.3, -0.8)],  # the four take no parameters
    "GRX": [lambda: lib.GRX(2, 0.3)],
    "GRY": [lambda: lib.GRY(2, 0.3)],
    "GRZ": [lambda: lib.GRZ(2, 0.3)],
    "MCMT": [lambda: lib.MCMT(lib.RXGate(A), 1, 2)],
    "MCMTVChain": [lambda: lib.MCMTVChain(lib.ZGate(), 3, 1)],
    "Diagonal": [lambda: lib.Diagonal([1, 1j, -1, 1])],
    "Permutation": [lambda: lib.Permutation(3, [2, 0, 1])],
    "AND": [lambda: lib.AND(2)],
    "OR": [lambda: lib.OR(2)],
    "XOR": [lambda: lib.XOR(2, 3)],
    "InnerProduct": [lambda: lib.InnerProduct(2)],
    "QFT": [lambda: lib.QFT(3), lambda: lib.QFT(3, 1, inverse=True)],
    "ExactReciprocal": [lambda: lib.ExactReciprocal(2, 0.5)],
    "IntegerComparator": [lambda: lib.IntegerComparator(2, 2)],
    "LinearAmplitudeFunction": [lambda: lib.LinearAmplitudeFunction(2, 0.3, 0.1, (0, 1), (0, 1))],
    "LinearPauliRotations": [lambda: lib.LinearPauliRotations(2, 0.3, 0.2)],
    "PiecewiseChebyshev": [lambda: lib.PiecewiseChebyshev(lambda x: x, 2, [0, 2], 2)],
    "PiecewiseLinearPauliRotations": [
        lambda: lib.PiecewiseLinearPauliRotations(2, [0, 2], [0.3, 0.1], [0.2, 0.4])
    ],
    "PiecewisePolynomialPauliRotations": [
        lambda: lib.PiecewisePolynomialPauliRotations(2, [0, 2], [[0.1, 0.2], [0.3, 0.1]])
    ],
    "PolynomialPauliRotations": [lambda: lib.PolynomialPauliRotations(2, [0.1, 0.2, 0.3])],
    "QuadraticForm": [lambda: lib.QuadraticForm(2, _MATRIX, [1, 0], 1)],
    "WeightedAdder": [lambda: lib.WeightedAdder(2, [1, 2])],
    "CDKMRippleCarryAdder": [lambda: lib.CDKMRippleCarryAdder(2)],
    "DraperQFTAdder": [lambda: lib.DraperQFTAdder(2)],
    "VBERippleCarryAdder": [lambda: lib.VBERippleCarryAdder(1)],
    "HRSCumulativeMultiplier": [lambda: lib.HRSCumulativeMultiplier(1)],
    "RGQFTMultiplier": [lambda: lib.RGQFTMultiplier(1)],
    "EfficientSU2": [lambda: lib.EfficientSU2(3, reps=1)],
    "EvolvedOperatorAnsatz": [lambda: lib.EvolvedOperatorAnsatz([PAIR, PAIR])],
    "ExcitationPreserving": [lambda: lib.ExcitationPreserving(3, reps=1, mode="fsim")],
    "NLocal": [lambda: lib.NLocal(3, lib.RYGate(A), lib.CXGate(), reps=1)],
    "PauliTwoDesign": [lambda: lib.PauliTwoDesign(3, reps=2, seed=1)],
    "QAOAAnsatz": [lambda: lib.QAOAAnsatz(SparsePauliOp(["ZZI", "IZZ"]), reps=2)],
    "RealAmplitudes": [lambda: lib.RealAmplitudes(3, entanglement="sca", reps=2)],
    "TwoLocal": [lambda: lib.TwoLocal(3, ["ry", "u"], "crz", reps=1)],
    "PauliFeatureMap": [lambda: lib.PauliFeatureMap(3, paulis=["Z", "YY", "ZXZ"])],
    "ZFeatureMap": [lambda: lib.ZFeatureMap(3)],
    "ZZFeatureMap": [lambda: lib.ZZFeatureMap(3, data_map_func=lambda x: np.prod(x))],
    "QuantumVolume": [lambda: lib.QuantumVolume(3, seed=1)],
    "FourierChecking": [lambda: lib.FourierChecking([1, -1, -1, -1], [1, 1, -1, -1])],
    "GraphState": [lambda: lib.GraphState(GRAPH)],
    "HiddenLinearFunction": [lambda: lib.HiddenLinearFunction(EDGES)],
    "IQP": [lambda: lib.IQP([[1, 2], [2, 3]])],
    "PhaseEstimation": [lambda: lib.PhaseEstimation(2, _half())],
    "GroverOperator": [lambda: lib.GroverOperator(_flip())],
    "PhaseOracle": [lambda: lib.PhaseOracle("x & ~y")],
    "UnitaryOverlap": [lambda: lib.UnitaryOverlap(_half(), lib.RealAmplitudes(2))],
}
FUNCTIONS: dict[str, list[Build]] = {
    "random_bitwise_xor": [lambda: lib.random_bitwise_xor(2, 1)],
    "n_local": [
        lambda: lib.n_local(3, ["ry", "crx"], "cp"),
        lambda: lib.n_local(3, "u", "rxx", entanglement="pairwise", insert_barriers=True),
    ],
    "efficient_su2": [lambda: lib.efficient_su2(3, reps=1)],
    "evolved_operator_ansatz": [lambda: lib.evolved_operator_ansatz([PAIR, PAIR])],
    "excitation_preserving": [lambda: lib.excitation_preserving(3, reps=1)],
    "hamiltonian_variational_ansatz": [
        lambda: lib.hamiltonian_variational_ansatz(SparsePauliOp(["ZZI", "IZZ", "IXI"]))
    ],
    "pauli_two_design": [lambda: lib.pauli_two_design(3, reps=2, seed=1)],
    "qaoa_ansatz": [lambda: lib.qaoa_ansatz(SparsePauliOp(["ZZI", "IZZ"]), reps=2)],
    "real_amplitudes": [lambda: lib.real_amplitudes(4, reps=1, entanglement="circular")],
    "pauli_feature_map": [lambda: lib.pauli_feature_map(3, paulis=["Z", "YY"], alpha=1.4)],
    "z_feature_map": [lambda: lib.z_feature_map(3)],
    "zz_feature_map": [
        lambda: lib.zz_feature_map(3),
        lambda: lib.zz_feature_map(2, data_map_func=lambda x: sum(p.arccos() for p in x)),
    ],
    "quantum_volume": [lambda: lib.quantum_volume(3, seed=1)],
    "fourier_checking": [lambda: lib.fourier_checking([1, -1, -1, -1], [1, 1, -1, -1])],
    "hidden_linear_function": [lambda: lib.hidden_linear_function(EDGES)],
    "iqp": [lambda: lib.iqp([[1, 2], [2, 3]])],
    "random_iqp": [lambda: lib.random_iqp(3, seed=1)],
    "phase_estimation": [lambda: lib.phase_estimation(2, _half())],
    "grover_operator": [lambda: lib.grover_operator(_flip())],
    "unitary_overlap": [lambda: lib.unitary_overlap(_half(), lib.real_amplitudes(2))],
}
