"""Images on which the network decides by more than rounding.

A pooling hands the gradient to its largest entry alone, and a ReLU hands on all or nothing. Where
two entries agree to the last bits, rounding decides which weights the gradient reaches: single and
double precision are then both right and a percent apart, however good either is.
"""

import copy
from functools import partial

import torch
from torch import Tensor, nn

ROUNDINGS = 100 * torch.finfo(torch.float32).eps
"""Least lead of a decision, relative to the largest entry of its layer. Rounding to single
precision in the layers before moves entries by a few units of the last place."""


def clear_images(front: nn.Module, images: Tensor, count: int) -> Tensor:
    """The first ``count`` images on which every pooling and ReLU leads by :data:`ROUNDINGS`.

    Args:
        front: made of modules, in single precision.
        images: (B, height, width), in double precision.
        count: how many to take.

    Raises:
        ValueError: there are fewer.
    """
    leads: list[Tensor] = []
    twin = copy.deepcopy(front).double()
    for module in twin.modules():
        if type(module) in LEADS:
            module.register_forward_pre_hook(partial(_note, leads))
    with torch.no_grad():
        twin(images)
    passed = images[torch.stack(leads).amin(0) > ROUNDINGS][:count]
    if len(passed) < count:
        raise ValueError(f"the network decides clearly on {len(passed)} images, not on {count}")
    return passed


def _note(leads: list[Tensor], module: nn.Module, given: tuple[Tensor]) -> None:
    (entries,) = given
    lead = LEADS[type(module)](entries) / entries.abs().max()
    leads.append(lead.flatten(1).amin(1))


def _pooling(entries: Tensor) -> Tensor:
    """Largest minus second largest of every 2 × 2 window."""
    windows = entries.unfold(-2, 2, 2).unfold(-2, 2, 2).flatten(-2)
    first, second = windows.topk(2).values.unbind(-1)
    return first - second


LEADS = {nn.MaxPool2d: _pooling, nn.ReLU: torch.abs}
"""Modules whose derivative jumps, and how far an input is from the jump."""
