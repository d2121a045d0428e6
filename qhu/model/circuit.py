"""The circuit of the quantum layer: encoding, trainable layers and observables put together."""

from collections.abc import Sequence
from dataclasses import replace

from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from qhu import registry
from qhu.engine.ansatz import Ansatz
from qhu.errors import UserError
from qhu.model.circuits.base import WholeCircuit
from qhu.model.encodings.base import Encoding, Selective
from qhu.settings.model import ModelSpec


def encoded_features(spec: ModelSpec, shape: tuple[int, ...]) -> int:
    """Numbers that the circuit encodes: what the front gives, or the features of a sample.

    Args:
        spec: the model.
        shape: shape of one sample.
    """
    if spec.qubits is None:
        return shape[0]
    if "encoding" not in spec.replaced:
        return _encoding(spec).features(spec.qubits)
    whole = _circuit(spec)
    if whole.circuit.num_qubits != spec.qubits:
        raise UserError(
            f"{whole.source} has {whole.circuit.num_qubits} qubits: set model.qubits to that"
        )
    return len(whole.parted[0])


def build_ansatz(spec: ModelSpec, features: int, barriers: bool = False) -> Ansatz:
    """Circuit of the chosen encoding, ansatz and observables.

    The features are encoded before the first layer, or before each. Weights are ordered as the
    layers are, within a layer as its own parameters.

    Args:
        spec: the model.
        features: numbers that are encoded.
        barriers: whether one stands after every encoding, for a picture; a whole circuit does not
            say where its own ends.

    Raises:
        UserError: the parts do not fit the number of features or qubits.
    """
    if "encoding" in spec.replaced:
        return _whole(spec, features)
    encoding = _encoding(spec)
    qubits = encoding.qubits(features)
    preparation = encoding.preparation(features)
    x = ParameterVector("inputs", preparation.num_angles if preparation else features)
    encoded = encoding.circuit(list(x))
    layers = _layers(spec, qubits)
    sizes = tuple(layer.num_parameters for layer in layers)
    theta = ParameterVector("weights", sum(sizes))
    weights = iter(theta)
    circuit, rest = QuantumCircuit(qubits), QuantumCircuit(qubits)
    for number, layer in enumerate(layers):
        if number == 0 or encoding.reupload:
            circuit.compose(encoded, inplace=True)
            if barriers:
                circuit.barrier()
        own = {parameter: next(weights) for parameter in layer.parameters}
        for part in (circuit, rest):
            part.compose(layer.assign_parameters(own), inplace=True)
    observables = _observables(spec, qubits)
    whole = Ansatz(circuit, tuple(x), tuple(theta), observables, sizes)
    return replace(whole, preparation=preparation, rest=rest) if preparation else whole


def _layers(spec: ModelSpec, qubits: int) -> Sequence[QuantumCircuit]:
    """The trainable layers; a whole circuit without inputs is one."""
    if spec.circuit is None:
        layers: Sequence[QuantumCircuit] = registry.ansatz[spec.ansatz.name].make(
            qubits, spec.ansatz.options
        )
        return layers
    whole = _circuit(spec)
    if whole.circuit.num_qubits != qubits:
        raise UserError(
            f"{whole.source} has {whole.circuit.num_qubits} qubits and no inputs, and the encoding "
            f"before it takes {qubits}: give it as many, or parameters that are inputs"
        )
    return [whole.circuit]


def _whole(spec: ModelSpec, features: int) -> Ansatz:
    """A whole circuit, whose parameters get the names that those of every other circuit have."""
    whole = _circuit(spec)
    inputs, weights = whole.parted
    if len(inputs) != features:
        raise UserError(
            f"{whole.source} takes {len(inputs)} inputs and the samples have {features} features: "
            "name the inputs in model.circuit.inputs, or choose as many features"
        )
    x, theta = ParameterVector("inputs", features), ParameterVector("weights", len(weights))
    renamed = dict(zip((*inputs, *weights), (*x, *theta), strict=True))
    circuit = whole.circuit.assign_parameters(renamed)
    observables = _observables(spec, circuit.num_qubits)
    return Ansatz(circuit, tuple(x), tuple(theta), observables, (len(weights),))


def _circuit(spec: ModelSpec) -> WholeCircuit:
    assert spec.circuit is not None
    whole: WholeCircuit = registry.circuit[spec.circuit.name].make(spec.circuit.options)
    return whole


def _observables(spec: ModelSpec, qubits: int) -> tuple[SparsePauliOp, ...]:
    chosen = spec.observables
    return tuple(registry.observables[chosen.name].make(qubits, chosen.options))


def selective_encoding(spec: ModelSpec) -> Selective | None:
    """The encoding where rows of the data enter it that it may not take, else None."""
    if not spec.quantum or spec.front.name != "none" or "encoding" in spec.replaced:
        return None
    encoding = _encoding(spec)
    return encoding if isinstance(encoding, Selective) else None


def _encoding(spec: ModelSpec) -> Encoding:
    encoding: Encoding = registry.encoding[spec.encoding.name].make(spec.encoding.options)
    return encoding
