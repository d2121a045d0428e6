"""Checkpoints of strangers: read as numbers, or refused in a line."""

import os
import zipfile

import pytest
import torch

from qhu.errors import UserError
from qhu.paper.checkpoint import load_checkpoint
from qhu.paper.release import released_name, released_study


@pytest.fixture(scope="module")
def net():
    return released_study("iris").net("evaluate")


@pytest.fixture
def tensors(net):
    """What a released checkpoint of Iris holds, all of it zeros."""
    parts = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    zeros = {released_name("iris", k): torch.zeros_like(v).detach() for k, v in parts.items()}
    return zeros | {"q_layer.weights": torch.zeros(6, 3, 4)}


def refused(net, tmp_path, content, message):
    path = tmp_path / "x_best.pth"
    if not path.exists():
        torch.save(content, path)
    with pytest.raises(UserError, match=message) as caught:
        load_checkpoint(path, net, "iris")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_an_honest_one_is_read(net, tensors, tmp_path):
    torch.save({"model_state_dict": tensors}, tmp_path / "x.pth")
    assert not load_checkpoint(tmp_path / "x.pth", net, "iris").theta.any()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda t: torch.full_like(t, float("nan")), "finite"),
        (lambda t: t.to(torch.complex64), "finite"),
        (lambda t: t.to(torch.int32), "finite"),
        (lambda t: t.to_sparse(), "dense"),
        (lambda t: torch.zeros(1).expand(10**12), "has shape"),
        (lambda t: t.to("meta"), "not a released|dense"),
    ],
)
def test_an_odd_tensor_is_refused(net, tensors, tmp_path, harm, message):
    tensors["fc1.bias"] = harm(tensors["fc1.bias"])
    refused(net, tmp_path, {"model_state_dict": tensors}, message)


@pytest.mark.parametrize("key", [1, None, "x" * 100_000])
def test_an_odd_key_is_refused(net, tensors, tmp_path, key):
    tensors[key] = torch.zeros(1)
    refused(net, tmp_path, {"model_state_dict": tensors}, "another network")


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def test_code_in_a_checkpoint_is_not_run(net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(net, tmp_path, {"model_state_dict": {}, "x": Evil()}, "not a released checkpoint")
    assert not (tmp_path / "pwned").exists()


def test_a_checkpoint_that_would_swell_is_not_unpacked(net, tensors, tmp_path):
    torch.save({"model_state_dict": tensors, "more": torch.zeros(30_000_000)}, tmp_path / "honest")
    with (
        zipfile.ZipFile(tmp_path / "honest") as honest,
        zipfile.ZipFile(
            tmp_path / "x_best.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as bomb,
    ):
        for member in honest.infolist():
            bomb.writestr(member.filename, honest.read(member))
    assert (tmp_path / "x_best.pth").stat().st_size < 1_000_000
    refused(net, tmp_path, None, "more than 100,000,000")
