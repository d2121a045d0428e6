"""The circuit of the quantum layer: encoding, trainable layers and observables put together."""

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector

from qhu import registry
from qhu.engine.ansatz import Ansatz
from qhu.model.encodings.base import Encoding
from qhu.settings.model import ModelSpec


def encoded_features(spec: ModelSpec, shape: tuple[int, ...]) -> int:
    """Numbers that the circuit encodes: what the front gives, or the features of a sample.

    Args:
        spec: the model.
        shape: shape of one sample.
    """
    return shape[0] if spec.qubits is None else _encoding(spec).features(spec.qubits)


def build_ansatz(spec: ModelSpec, features: int) -> Ansatz:
    """Circuit of the chosen encoding, ansatz and observables.

    The features are encoded before the first layer, or before each. Weights are ordered as the
    layers are, within a layer as its own parameters.

    Args:
        spec: the model.
        features: numbers that are encoded.

    Raises:
        UserError: the parts do not fit the number of features or qubits.
    """
    encoding = _encoding(spec)
    qubits = encoding.qubits(features)
    preparation = encoding.preparation(features)
    x = ParameterVector("inputs", preparation.num_angles if preparation else features)
    encoded = encoding.circuit(list(x))
    layers = registry.ansatz[spec.ansatz.name].make(qubits, spec.ansatz.options)
    sizes = tuple(layer.num_parameters for layer in layers)
    theta = ParameterVector("weights", sum(sizes))
    weights = iter(theta)
    circuit, rest = QuantumCircuit(qubits), QuantumCircuit(qubits)
    for number, layer in enumerate(layers):
        if number == 0 or encoding.reupload:
            circuit.compose(encoded, inplace=True)
        own = {parameter: next(weights) for parameter in layer.parameters}
        for part in (circuit, rest):
            part.compose(layer.assign_parameters(own), inplace=True)
    observables = registry.observables[spec.observables.name].make(qubits, spec.observables.options)
    return Ansatz(
        circuit,
        tuple(x),
        tuple(theta),
        tuple(observables),
        sizes,
        preparation,
        rest if preparation else None,
    )


def _encoding(spec: ModelSpec) -> Encoding:
    encoding: Encoding = registry.encoding[spec.encoding.name].make(spec.encoding.options)
    return encoding
