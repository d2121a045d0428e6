"""Encodings and ansätze under the noise of a device, on an emulated one, and the table of all."""

from dataclasses import replace

import numpy as np
import pytest
from families import (
    ANSATZE,
    ENCODINGS,
    FEATURES,
    PAIRS,
    by_qiskit,
    emulated_sigmas,
    exact_errors,
    losses,
    model,
    noisy_error,
    samples,
)
from qiskit.quantum_info import SparsePauliOp

from qhu.backends.named import open_backend
from qhu.emulator import Emulator
from qhu.emulator.platform import Rules
from qhu.hardware.access import Access, redirected
from qhu.layout.isa import compile_ansatz
from qhu.layout.snapshots import snapshot
from qhu.model.circuit import build_ansatz

SIGMAS = 5
QUICK = Rules(queue_seconds=0, settle_seconds=0)
FEW = [*(("rotations", name) for name in ANSATZE), *((name, "two_local") for name in ENCODINGS)]
"""Every encoding and every ansatz once."""


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    """A device on the emulator, whose values are those of its noise but for shots."""
    with pytest.MonkeyPatch.context() as patch, Emulator("fake_manila", rules=QUICK) as emulator:
        folder = tmp_path_factory.mktemp("device")
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        made = open_backend("ibm_manila")
        options = {"resilience_level": 0, "max_qpu_seconds": 10_000}
        made = type(made)("ibm_manila", made.options.model_copy(update=options))
        made.access = Access(emulator.url, emulator.token, emulator.instance, None)
        made.attach("run", "evaluate", lambda line: None)
        with redirected(made.access):
            yield made
            made.close(settle=False)


@pytest.mark.parametrize(("encoding", "ansatz"), FEW)
def test_values_under_noise_are_aers(encoding, ansatz):
    made = build_ansatz(model(encoding, ansatz), FEATURES)
    assert noisy_error(made, device="fake_manila") < 5e-6


@pytest.mark.parametrize(
    ("encoding", "ansatz", "observables"),
    [("zz_feature_map", "hardware_efficient", "zz"), ("iqp", "strongly_entangling", "paulis")],
)
def test_an_emulated_device_measures_the_values_of_its_noise(device, encoding, ansatz, observables):
    made = build_ansatz(model(encoding, ansatz, observables), FEATURES)
    assert emulated_sigmas(made, device) < SIGMAS


@pytest.mark.slow
def test_the_table_of_all(device, capsys):
    lines = [f"{'encoding':18} {'ansatz':20} trained      exact    slope    noisy    emulated (σ)"]
    for encoding, ansatz in PAIRS:
        spec = model(encoding, ansatz)
        made = build_ansatz(spec, FEATURES)
        before, after = losses(spec)
        off, slope_off = exact_errors(made)
        noisy = noisy_error(made, device="fake_brisbane")
        sigmas = emulated_sigmas(made, device)
        lines.append(
            f"{encoding:18} {ansatz:20} {before:.2f} → {after:.2f}  {off:.1e}  {slope_off:.1e}  "
            f"{noisy:.1e}  {sigmas:.1f}"
        )
        assert after < before and off < 1e-10 and slope_off < 1e-6, lines[-1]
        assert noisy < 5e-6 and sigmas < SIGMAS, lines[-1]
    with capsys.disabled():
        print("\n" + "\n".join(lines))


@pytest.mark.parametrize(("encoding", "ansatz"), FEW)
def test_a_devices_gates_do_the_same_in_every_basis(encoding, ansatz):
    """The circuit after transpiling, without noise."""
    made = build_ansatz(model(encoding, ansatz), FEATURES)
    width = made.circuit.num_qubits
    made = replace(made, observables=tuple(SparsePauliOp(p * width) for p in "XYZ"))
    placed = compile_ansatz(made, snapshot("fake_manila").target, optimization_level=3, seed=0)
    x, w = samples(made)
    np.testing.assert_allclose(by_qiskit(placed, x, w), by_qiskit(made, x, w), atol=1e-10)
