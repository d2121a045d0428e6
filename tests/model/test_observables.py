"""Registered observables against numpy, and how sums of Pauli strings are read."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhu import registry
from qhu.errors import UserError
from qhu.settings.model import ModelSpec

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def made(name, width, **options):
    return registry.observables[name].make(width, registry.observables.options(name, options))


def product(letters):
    """The matrix of a Pauli string, whose last letter is qubit 0, the fastest index."""
    return reduce(np.kron, [PAULI[letter] for letter in letters.replace(".", "I")])


coefficients = st.sampled_from([1.0, -1.0, 0.5, -0.25, 2.0, 1e-3, 1e6])
letters = st.text("IXYZ.", min_size=2, max_size=2)


@given(st.lists(st.tuples(coefficients, letters), min_size=1, max_size=4), st.booleans())
def test_a_sum_is_the_operator_that_it_spells(terms, spaced):
    expected = sum(factor * product(pauli) for factor, pauli in terms)
    text = (" + " if spaced else "+").join(f"{factor!r}*{pauli}" for factor, pauli in terms)
    text = text.replace("+-", "-").replace("+ -", "- ")
    if not np.abs(expected).max() > 1e-7:
        with pytest.raises(UserError, match="is zero: its terms cancel"):
            made("paulis", 2, terms=[text])
        return
    (found,) = made("paulis", 2, terms=[text])
    np.testing.assert_allclose(found.to_matrix(), expected, atol=1e-9)


def test_the_last_letter_is_qubit_0():
    (found,) = made("paulis", 3, terms=["..X"])
    assert found.to_sparse_list() == [("X", [0], 1.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Z Z", "no sum of Pauli strings"),
        ("ZZ XX", "no sum of Pauli strings"),
        ("zz", "no sum of Pauli strings"),
        ("2ZZ", "no sum of Pauli strings"),
        ("ZZ*2", "no sum of Pauli strings"),
        ("ZZ+", "no sum of Pauli strings"),
        ("--ZZ", "no sum of Pauli strings"),
        ("1j*ZZ", "no sum of Pauli strings"),
        ("1.2.3*ZZ", "no sum of Pauli strings"),
        ("", "no sum of Pauli strings"),
        ("1e400*ZZ", "coefficients are from 1e-6 to 1e6"),
        ("1e-9*ZZ", "coefficients are from 1e-6 to 1e6"),
        ("0*ZZ", "coefficients are from 1e-6 to 1e6"),
        ("ZZ+XXX", "differ in length"),
        ("0.1*ZZ+0.2*ZZ-0.3*ZZ", "is zero: its terms cancel"),
    ],
)
def test_what_is_no_sum_or_cannot_be_computed_is_refused(text, message):
    with pytest.raises(UserError, match=message):
        ModelSpec(observables=["ZZ", text])


def test_chosen_qubits_give_the_outputs_in_their_order():
    assert made("z", 3, qubits=[2, 0]) == made("paulis", 3, terms=["Z..", "..Z"])
    assert made("z", 3) == made("paulis", 3, terms=["..Z", ".Z.", "Z.."])


def test_pairs_and_parities():
    assert made("zz", 3) == made("paulis", 3, terms=[".ZZ", "ZZ."])
    assert made("zz", 3, pairs=[[2, 0]]) == made("paulis", 3, terms=["Z.Z"])
    assert len(made("zz", 4, pairs="full")) == 6 and len(made("zz", 4, pairs="circular")) == 4
    assert made("parity", 3) == made("paulis", 3, terms=["ZZZ"])
    assert made("parity", 3, qubits=[0, 2]) == made("paulis", 3, terms=["Z.Z"])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("z", {"qubits": [3]}, "names qubit 3, and the circuit has qubits 0 to 2"),
        ("z", {"qubits": [0, 0]}, "a qubit is named twice"),
        ("z", {"qubits": []}, "1 entries or more"),
        ("z", {"qubits": [-1]}, "0 or more"),
        ("parity", {"qubits": [7]}, "names qubit 7"),
        ("zz", {"pairs": [[0, 3]]}, "names qubit 3"),
        ("zz", {"pairs": [[0, 1, 2]]}, "no gate couples the 3"),
        ("zz", {"pairs": "ring"}, "unknown entanglement 'ring'"),
    ],
)
def test_qubits_that_are_not_there_are_refused(name, options, message):
    with pytest.raises(UserError, match=message):
        made(name, 3, **options)


def test_pairs_of_a_single_qubit_are_refused():
    with pytest.raises(UserError, match="does not fit a circuit of 1"):
        made("zz", 1)
