"""Layers in every mode that torch offers: modes of the caller, precisions, empty batches."""

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import product

import numpy as np
import pytest
import torch
from engine_circuits import ring
from qiskit_machine_learning.connectors import TorchConnector

from qhu.engine.ansatz import Ansatz
from qhu.engine.connector import engine_layer
from qhu.engine.estimator import EngineEstimator, EngineGradient
from qhu.errors import UserError
from qhu.estimators.layer import estimator_layer
from qhu.estimators.noise import figures_noise
from qhu.estimators.noisy import NoisyEstimator
from qhu.estimators.param_shift import MergedParamShift
from qhu.model.circuit import build_ansatz
from qhu.settings.model import ModelSpec

NOISE = figures_noise((0.01, 0.05), (0.02, 0.07), None, (60e-9, 660e-9))
RINGS = {"Heisenberg": (3, 1), "unitary": (3, 4), "state vector": (6, 4)}
PREPARED = {"prepared unitary": 3, "prepared state vector": 6}
EXACT = [*RINGS, *PREPARED]
MODES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "inference": torch.inference_mode,
    "no gradients": torch.no_grad,
    "bfloat16": lambda: torch.autocast("cpu", torch.bfloat16),
    "float16": lambda: torch.autocast("cpu", torch.float16),
    "default device": lambda: torch.device("meta"),
}


def prepared(qubits: int) -> Ansatz:
    return build_ansatz(ModelSpec(encoding="amplitude", layers=1), 2**qubits)


def noisy_layer(ansatz: Ansatz) -> TorchConnector:
    estimator = NoisyEstimator(NOISE, 0.0, np.random.default_rng(0))
    return estimator_layer(ansatz, estimator, 0.0)


LAYERS: dict[str, Callable[[], TorchConnector]] = {
    **{name: lambda size=size: engine_layer(ring(*size)) for name, size in RINGS.items()},
    **{name: lambda size=size: engine_layer(prepared(size)) for name, size in PREPARED.items()},
    "noise": lambda: engine_layer(ring(3, 1), NOISE),
    "estimator": lambda: noisy_layer(ring(2, 1)),
}


def result(layer: TorchConnector, x: torch.Tensor, mode: AbstractContextManager[object]) -> list:
    """Values, and the gradients by samples and weights; ``mode`` is about the forward pass."""
    x = x.clone().requires_grad_()
    with mode:
        values = layer(x)
    return [values, *torch.autograd.grad(values.square().sum(), [x, layer.weight])]


def pair(name: str) -> tuple[TorchConnector, TorchConnector, torch.Tensor]:
    """A layer, an equal one that nothing was done with yet, and samples."""
    torch.manual_seed(0)
    layer = LAYERS[name]()
    return layer, copy.deepcopy(layer), torch.rand(5, layer._ansatz.features)


# The stock connector puts its results on the default device.
@pytest.mark.parametrize(
    ("name", "mode"), sorted({*product(LAYERS, MODES)} - {("estimator", "default device")})
)
def test_trains_as_ever_after_a_first_call_in_any_mode(name: str, mode: str) -> None:
    layer, fresh, x = pair(name)
    with torch.no_grad(), MODES[mode]():
        first = layer(x)
    assert torch.equal(first, fresh(x))
    assert all(map(torch.equal, result(layer, x, nullcontext()), result(fresh, x, nullcontext())))


@pytest.mark.parametrize("name", EXACT)
def test_trains_on_a_device_that_was_first_met_in_inference_mode(name: str) -> None:
    layer, _, x = pair(name)
    layer, x = layer.to("meta"), x.to("meta")  # a device that knows shapes only
    with torch.inference_mode():
        layer(x)
    assert result(layer, x, nullcontext())[2].device.type == "meta"


@pytest.mark.parametrize("transform", ["vmap", "grad", "jvp", "hessian", "compile"])
@pytest.mark.parametrize("name", EXACT)
def test_trains_as_ever_after_a_first_call_inside_a_transform(name: str, transform: str) -> None:
    layer, fresh, x = pair(name)
    scalar = lambda row: layer(row).sum()  # noqa: E731
    {
        "vmap": lambda: torch.func.vmap(layer)(x),
        "grad": lambda: torch.func.vmap(torch.func.grad(scalar))(x),
        "jvp": lambda: torch.func.jvp(layer, (x,), (x,)),
        "hessian": lambda: torch.func.hessian(scalar)(x[0]),
        "compile": lambda: torch.compile(layer, backend="eager")(x),
    }[transform]()
    assert all(map(torch.equal, result(layer, x, nullcontext()), result(fresh, x, nullcontext())))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
@pytest.mark.parametrize("name", LAYERS)
def test_a_copy_trains_after_the_layer_was_in_inference_mode(name: str, copied: Callable) -> None:
    layer, fresh, x = pair(name)
    with torch.inference_mode():
        layer(x)
    expected = result(fresh, x, nullcontext())
    assert all(map(torch.equal, result(copied(layer), x, nullcontext()), expected))


@pytest.mark.parametrize("name", LAYERS)
def test_threads_share_a_layer(name: str) -> None:
    layer, fresh, x = pair(name)
    modes = [torch.inference_mode, nullcontext, MODES["bfloat16"], nullcontext]
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda mode: (
                    layer(x) if mode is torch.inference_mode else result(layer, x, mode())[0]
                ),
                modes,
            )
        )
    assert all(torch.equal(values, fresh(x)) for values in results)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", LAYERS)
def test_autocast_leaves_values_and_gradients_alone(name: str, dtype: torch.dtype) -> None:
    layer, _, x = pair(name)
    for ours, right in zip(
        result(layer, x, torch.autocast("cpu", dtype)), result(layer, x, nullcontext()), strict=True
    ):
        assert torch.equal(ours, right)


@pytest.mark.parametrize("name", LAYERS)
def test_trains_between_layers_under_autocast(name: str) -> None:
    layer, _, x = pair(name)
    size, outputs = x.shape[1], layer.neural_network.output_shape[0]
    front, head = torch.nn.Linear(size, size), torch.nn.Linear(outputs, 2)
    with torch.autocast("cpu", torch.bfloat16):
        rows = front(x)
        values = layer(rows)
        loss = head(values).float().square().sum()
    loss.backward()
    assert rows.dtype == torch.bfloat16 and values.dtype == torch.float32
    torch.testing.assert_close(values, layer(rows.float()))
    assert front.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", [*RINGS, "noise"])
def test_weights_of_half_precision_are_computed_in_float32(name: str, dtype: torch.dtype) -> None:
    layer, _, x = pair(name)
    x, layer = x.to(dtype), layer.to(dtype)
    half = result(layer, x, nullcontext())
    assert {tensor.dtype for tensor in half} == {dtype}
    single = result(layer.float(), x.float(), nullcontext())
    for ours, right in zip(half, single, strict=True):
        scale = right.abs().max().clamp(min=1.0)
        assert (ours.float() - right).abs().max() < 2 * torch.finfo(dtype).eps * scale


def test_weights_of_half_precision_are_refused_over_an_estimator() -> None:
    layer = LAYERS["estimator"]().bfloat16()
    with pytest.raises(UserError, match="weights in torch"):
        layer(torch.rand(2, 2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16, torch.int64])
@pytest.mark.parametrize("name", LAYERS)
def test_samples_of_any_precision(name: str, dtype: torch.dtype) -> None:
    layer, _, x = pair(name)
    x = (3 * x).to(dtype)
    torch.testing.assert_close(layer(x), layer(x.to(torch.float32)))
    assert layer(x).dtype == torch.float32


@pytest.mark.parametrize("precision", ["medium", "high"])
def test_float32_products_of_lower_precision_are_not_asked_for(precision: str) -> None:
    layer, fresh, x = pair("state vector")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        values = layer(x)
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(values, fresh(x))


@pytest.mark.parametrize("default", [torch.float64, torch.float16])
def test_the_default_dtype_changes_nothing(default: torch.dtype) -> None:
    layer, fresh, x = pair("Heisenberg")
    torch.set_default_dtype(default)
    try:
        values = layer(x)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(values, fresh(x))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
@pytest.mark.parametrize("name", LAYERS)
def test_no_samples(name: str, shape: tuple[int, ...]) -> None:
    layer, _, x = pair(name)
    x = torch.zeros(*shape, x.shape[1], requires_grad=True)
    values = layer(x)
    assert values.shape == (*shape, layer.neural_network.output_shape[0])
    values.sum().backward()
    assert x.grad.shape == x.shape and not layer.weight.grad.any()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_not_finite_is_refused(name: str, number: float) -> None:
    layer, _, x = pair(name)
    bad = x.clone()
    bad[1, 0] = number
    with pytest.raises(UserError, match="infinity"):
        layer(bad)
    layer(x)
    with torch.no_grad():
        layer.weight[0] = number
    with pytest.raises(UserError, match="infinity"):
        layer(x)


GRADIENTS = {
    "exact": EngineGradient,
    "exact under noise": lambda: EngineGradient(EngineEstimator(NOISE)),
    "noisy": lambda: MergedParamShift(NoisyEstimator(NOISE, 0.0, np.random.default_rng(0)), 0.0),
}


@pytest.mark.parametrize("kind", GRADIENTS)
def test_gradients_at_what_is_not_finite_are_refused(kind: str) -> None:
    ansatz = ring(2, 1)
    values = np.ones((1, ansatz.circuit.num_parameters))
    values[0, 3] = np.nan
    with pytest.raises(UserError, match="infinity"):
        GRADIENTS[kind]().run([ansatz.circuit], [ansatz.observables[0]], values).result()
