"""Models of strangers: read as numbers and fitted to a network, or refused in a line."""

import hashlib
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from qhu.errors import UserError
from qhu.model.checkpoint import MAX_BYTES, read_model
from qhu.model.fitting import fitted, fitted_theta
from qhu.record.stage import SEAL, Stage, packed


@pytest.fixture
def net(make_net):
    return make_net(batch_norm=True)


@pytest.fixture
def tensors(net):
    """What the network's ``state_dict`` holds, drawn at random."""
    torch.manual_seed(0)
    return {
        k: torch.rand_like(v) if v.is_floating_point() else v.clone()
        for k, v in net.state_dict().items()
    }


def read(net, path):
    return fitted(net, read_model(path).tensors, str(path))


def refusal(net, path):
    """The line in which a file is refused."""
    with pytest.raises(UserError) as caught:
        read(net, path)
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line and len(line) < 900
    return line


class Wrapped(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.module = net


FORMS = {
    "plain": lambda t: t,
    "nested": lambda t: {"state_dict": t, "epoch": 3, "optimizer": {"lr": 0.1}},
    "as released": lambda t: {"model_state_dict": t},
    "DataParallel": lambda t: {f"module.{k}": v for k, v in t.items()},
    "compiled": lambda t: {f"_orig_mod.{k}": v for k, v in t.items()},
    "both": lambda t: {"state_dict": {f"_orig_mod.module.{k}": v for k, v in t.items()}},
    "parameters": lambda t: {k: torch.nn.Parameter(v, v.is_floating_point()) for k, v in t.items()},
    "views": lambda t: {
        k: v.repeat(2, *[1] * (v.ndim - 1))[: len(v)] if v.ndim else v for k, v in t.items()
    },
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", [".pt", ".pth", ".PT"])
def test_every_usual_form_is_the_same_model(net, tensors, tmp_path, form, ending):
    path = tmp_path / f"x{ending}"
    torch.save(FORMS[form](tensors), path)
    same(net, read(net, path), tensors)


def test_a_layer_s_second_name_of_its_weights_is_no_other_tensor(net, tensors):
    weights = tensors["quantum.weight"]
    same(net, fitted(net, {**tensors, "quantum._weights": weights.clone()}, "x"), tensors)
    renamed = {k: v for k, v in tensors.items() if k != "quantum.weight"}
    same(net, fitted(net, {**renamed, "quantum._weights": weights}, "x"), tensors)
    with pytest.raises(
        UserError, match=r"expected quantum\._weights and quantum\.weight to be one"
    ):
        fitted(net, {**tensors, "quantum._weights": weights + 1}, "x")
    with pytest.raises(UserError, match="_weights is no tensor but of type str"):
        fitted(net, {**tensors, "quantum._weights": "x"}, "x")


def test_a_state_dict_names_every_tensor_once_and_loads(net, tensors):
    assert set(net.state_dict()) == {*net.theta.slices, *dict(net.named_buffers())}
    wrapped = Wrapped(net)
    wrapped.load_state_dict({f"module.{k}": v for k, v in tensors.items()})
    same(net, net.state(), tensors)
    assert set(wrapped.state_dict()) == {f"module.{k}" for k in tensors}
    with pytest.raises(RuntimeError, match=r"Missing key\(s\).*quantum.weight"):
        net.load_state_dict({k: v for k, v in tensors.items() if k != "quantum.weight"})


class Odd(torch.nn.Module):
    """A head of a user's with tied layers, tied buffers and one that torch does not save."""

    def __init__(self, inputs, classes):
        super().__init__()
        self.a, self.b = torch.nn.Linear(inputs, inputs), torch.nn.Linear(inputs, inputs)
        self.b.weight = self.a.weight
        self.register_buffer("scale", torch.ones(1))
        self.again = torch.nn.Module()
        self.again.register_buffer("scale", self.scale)
        self.register_buffer("mask", torch.ones(inputs), persistent=False)
        self.last = torch.nn.Linear(inputs, classes)

    def forward(self, x):
        return self.last(self.b(self.a(x * self.mask)) * self.scale)


def test_a_user_s_own_layers_load_as_they_are_stored(make_net, tmp_path):
    net = make_net(head=f"{__name__}:Odd")
    stored = net.state().clone()
    named = {**net.theta.split(stored.theta), **stored.buffers}
    named = {name: torch.rand_like(tensor) for name, tensor in named.items()}
    assert set(net.state_dict()) == set(named)
    save_file(named, tmp_path / "x.safetensors")
    plain = make_net(head=f"{__name__}:Odd")
    plain.load_state_dict(read_model(tmp_path / "x.safetensors").tensors)
    same(plain, plain.state(), named)
    same(plain, read(plain, tmp_path / "x.safetensors"), named)
    assert torch.equal(plain.head.b.weight, plain.head.a.weight)
    assert torch.equal(plain.head.again.scale, plain.head.scale)


def same(net, state, tensors):
    named = {**net.theta.split(state.theta), **state.buffers}
    assert named.keys() == tensors.keys()
    for name, tensor in named.items():
        assert tensor.dtype == tensors[name].dtype
        assert torch.equal(tensor, tensors[name])


def test_old_files_of_torch_are_read(net, tensors, tmp_path):
    torch.save(tensors, tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    same(net, read(net, tmp_path / "x.pt"), tensors)


def test_safetensors_of_anyone_and_of_a_run(net, tensors, tmp_path):
    save_file(tensors, tmp_path / "x.safetensors", {"format": "pt"})
    same(net, read(net, tmp_path / "x.safetensors"), tensors)
    arrays = {k: v.numpy() for k, v in tensors.items()}
    content = packed(Stage("0" * 16, arrays, {"scaled_without": "class"}))
    (tmp_path / "y.safetensors").write_bytes(content)
    file = read_model(tmp_path / "y.safetensors")
    assert file.stage.facts == {"scaled_without": "class"}
    same(net, fitted(net, file.tensors, "y"), tensors)
    (tmp_path / "y.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "checksum differs" in refusal(net, tmp_path / "y.safetensors")


@pytest.mark.parametrize(
    "stage",
    [
        "",
        "[]",
        "{}",
        "7",
        "[" * 100_000,
        json.dumps({"sha256": "0" * 64}),
        json.dumps({"sha256": "0" * 64, "key": 7, "facts": {}}),
        json.dumps({"sha256": "0" * 64, "key": "0" * 16, "facts": []}),
        json.dumps({"sha256": "0" * 64, "key": "../x", "facts": {}}),
    ],
)
def test_who_only_says_that_a_run_wrote_it_is_refused(net, tensors, tmp_path, stage):
    save_file(tensors, tmp_path / "x.safetensors", {"stage": stage})
    content = (tmp_path / "x.safetensors").read_bytes()
    if SEAL.search(content):  # sealed as a run would
        start, end = SEAL.search(content).span(1)
        seal = hashlib.sha256(content).hexdigest().encode()
        (tmp_path / "x.safetensors").write_bytes(content[:start] + seal + content[end:])
    refusal(net, tmp_path / "x.safetensors")


HARMS = {
    "lacks head.0.weight": lambda t: t.pop("head.0.weight"),
    "has fc.weight": lambda t: t.update({"fc.weight": torch.zeros(2)}),
    "has 7": lambda t: t.update({7: torch.zeros(2)}),
    "shape (3, 16), expected (16, 4)": lambda t: t.update({"head.0.weight": torch.zeros(3, 16)}),
    "has shape (1000000000000,)": lambda t: t.update(
        {"quantum.weight": torch.zeros(1).expand(10**12)}
    ),
    "is float64, expected float32": lambda t: t.update(
        {"quantum.weight": t["quantum.weight"].double()}
    ),
    "is bfloat16, expected float32": lambda t: t.update(
        {"head.0.weight": t["head.0.weight"].bfloat16()}
    ),
    "is complex64, expected float32": lambda t: t.update(
        {"head.0.weight": t["head.0.weight"] + 0j}
    ),
    "is int32, expected int64": lambda t: t.update(
        {"head.1.num_batches_tracked": torch.tensor(1, dtype=torch.int32)}
    ),
    "not dense and finite": lambda t: t["quantum.weight"].fill_(torch.nan),
    "running_var is not dense and finite": lambda t: t["head.1.running_var"].fill_(torch.inf),
}


@pytest.mark.parametrize("message", HARMS)
def test_an_odd_tensor_is_refused(net, tensors, tmp_path, message):
    HARMS[message](tensors)
    torch.save(tensors, tmp_path / "x.pt")
    lines = [refusal(net, tmp_path / "x.pt")]
    if message not in ("has 7", "has shape (1000000000000,)"):  # which safetensors has not
        save_file(tensors, tmp_path / "x.safetensors")
        lines.append(refusal(net, tmp_path / "x.safetensors"))
    assert all(message in line and "expected" in line for line in lines)


@pytest.mark.parametrize("harm", [lambda v: v.to_sparse(), lambda v: v.to("meta")])
def test_only_dense_numbers_are_read(net, tensors, tmp_path, harm):
    torch.save({**tensors, "head.0.weight": harm(tensors["head.0.weight"])}, tmp_path / "x.pt")
    line = refusal(net, tmp_path / "x.pt")
    assert "dense" in line or "meta" in line


def endless():
    """What holds itself."""
    held = {}
    held["state_dict"] = held
    return held


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda net, t: net, "Python objects, such as a whole module; expected what torch.save"),
        (lambda net, t: torch.nn.Linear(2, 2), "Python objects"),
        (lambda net, t: {**t, "x": Evil()}, "Python objects"),
        (lambda net, t: {"state_dict": t, "model_state_dict": t}, "leave one"),
        (lambda net, t: list(t.values()), "holds a list; expected"),
        (lambda net, t: t["quantum.weight"], "holds a Tensor; expected"),
        (lambda net, t: {**t, "quantum.weight": [1.0]}, "no tensor but of type list"),
        (lambda net, t: {}, "lacks head.0.weight"),
        (lambda net, t: {"state_dict": None}, "holds a NoneType; expected"),
        (lambda net, t: endless(), "lacks head.0.weight and it has state_dict"),
    ],
)
def test_a_file_of_something_else_is_refused(net, tensors, tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    torch.save(content(net, tensors), "x.pt")
    assert message in refusal(net, tmp_path / "x.pt")
    assert not (tmp_path / "pwned").exists()


def archive(tensors):
    file = io.BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.pt", b""),
        ("x.pt", b"no pickle"),
        ("x.pt", b"PK\x03\x04" + b"\0" * 50),
        ("x.safetensors", b""),
        ("x.safetensors", b"\xff" * 100),
        ("x.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
        ("x.safetensors", b"\x02\0\0\0\0\0\0\0[]"),
        ("x.safetensors", archive({"a": torch.zeros(2)})),
        ("x.onnx", b""),
        ("x", b""),
        ("x.pt", pickle.dumps({"a": np.zeros(2)})),
    ],
)
def test_a_damaged_file_is_refused(net, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refusal(net, tmp_path / name)


def test_half_a_file_is_refused(net, tensors, tmp_path):
    content = archive(tensors)
    for part in (0.3, 0.6, 0.99):
        (tmp_path / "x.pt").write_bytes(content[: int(part * len(content))])
        refusal(net, tmp_path / "x.pt")


def test_missing_files_folders_and_huge_ones_are_refused(net, tmp_path):
    assert "No such file" in refusal(net, tmp_path / "absent.pt")
    (tmp_path / "folder.pt").mkdir()
    refusal(net, tmp_path / "folder.pt")
    with (tmp_path / "huge.safetensors").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "longer than 100,000,000" in refusal(net, tmp_path / "huge.safetensors")


def test_a_file_that_would_swell_is_not_unpacked(net, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("x/data.pkl", bytes(MAX_BYTES + 1))
    assert "more than 100,000,000" in refusal(net, tmp_path / "x.pt")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_are_refused(net, tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "x.pt")
    refusal(net, tmp_path / "x.pt")


def test_theta_alone(net, make_net):
    bare = make_net()
    state = bare.state()
    assert torch.equal(fitted_theta(bare, state.theta.numpy(), "θ").theta, state.theta)
    for odd, message in (
        (state.theta[1:], "shape"),
        (state.theta.double(), "float64, expected float32"),
        (state.theta * torch.nan, "finite"),
        (state.theta[None], "shape"),
        ([0.0], "type list"),
        (None, "type NoneType"),
    ):
        with pytest.raises(UserError, match=message):
            fitted_theta(bare, odd, "θ")
    with pytest.raises(UserError, match=r"buffers, too .*running_mean.*give a state_dict"):
        fitted_theta(net, net.theta.get(net), "θ")


def test_the_state_is_a_copy(net, tensors):
    state = fitted(net, tensors, "mine")
    before = state.clone()
    for tensor in tensors.values():
        tensor.zero_()
    assert torch.equal(state.theta, before.theta)
    assert all(torch.equal(v, before.buffers[k]) for k, v in state.buffers.items())
