"""The circuit of a study, drawn."""

import io

import matplotlib.pyplot as plt
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from qhu.model.circuit import build_ansatz, encoded_features
from qhu.settings.model import ModelSpec
from qhu.study import Study


def drawing(study: Study) -> str:
    """The circuit of the network as SVG text; empty where the network has none."""
    model = study.experiment.model
    if not model.quantum:
        return ""
    return drawn(pictured(model, encoded_features(model, study.shape)))


def drawn(circuit: QuantumCircuit) -> str:
    """A circuit on one row as SVG text."""
    figure = circuit.draw("mpl", fold=-1, scale=0.7, style="bw")
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)  # pyplot would keep it, and a notebook show it
    return text.getvalue()


def pictured(model: ModelSpec, features: int) -> QuantumCircuit:
    """The circuit for the eye, a barrier after every encoding.

    A state's preparation is one box: it has a rotation per amplitude.

    Args:
        model: with a quantum layer.
        features: numbers that are encoded.
    """
    ansatz = build_ansatz(model, features, barriers=True)
    if ansatz.rest is None:
        return ansatz.circuit
    picture = QuantumCircuit(ansatz.rest.num_qubits)
    box = Gate("amplitudes", picture.num_qubits, [], label="   amplitudes")  # beside its numbers
    picture.append(box, picture.qubits)
    picture.barrier()
    return picture.compose(ansatz.rest)
