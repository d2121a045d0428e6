"""Losses that unlearning methods share: means over the rows of a batch, one value per model.

Logits are (..., B, C) and labels (..., B): of one model, or of a stack with a leading dimension.
"""

import math

import torch
from torch import Tensor

from qhu.selection import cross_entropy as cross_entropy
from qhu.selection import row_losses as row_losses


def distillation(
    student: Tensor, teacher: Tensor, temperature: float, floor: float = 0.0
) -> Tensor:
    """T²·KL(p_T ‖ p_S) between two models' outputs softened by the temperature T.

    The factor T² keeps the size of the gradient independent of T (Hinton et al.,
    arXiv 1503.02531).

    Args:
        student: logits (..., B, C).
        teacher: logits (..., B, C).
        temperature: divisor of both.
        floor: probabilities below it count as it, and have no gradient; 0: none do.
    """
    log_q = (student / temperature).log_softmax(dim=-1)
    log_p = (teacher / temperature).log_softmax(dim=-1)
    if floor:
        log_q, log_p = (part.clamp(min=math.log(floor)) for part in (log_q, log_p))
    divergences = (log_p.exp() * (log_p - log_q)).sum(dim=-1)
    return temperature**2 * divergences.mean(dim=-1)


def beyond_rounding(student: Tensor, teacher: Tensor) -> Tensor:
    """The student's logits (..., B, C), but the teacher's where a row differs by rounding alone.

    At the teacher a divergence from it has slope 0. What autograd returns there is rounding, which
    Adam, who divides a gradient by its size, makes full steps of.

    Args:
        student: logits (..., B, C).
        teacher: logits (..., B, C), without gradient.
    """
    largest = teacher.abs().amax(dim=(-2, -1), keepdim=True).clamp(min=1)
    rounding = 100 * torch.finfo(teacher.dtype).eps * largest
    same = ((student - teacher).abs() <= rounding).all(dim=-1, keepdim=True)
    return torch.where(same, teacher, student)


def divergence_from_uniform(logits: Tensor) -> Tensor:
    """KL(p ‖ U) = ln C − H(p) of the predictions p from the uniform distribution over C classes."""
    log_p = logits.log_softmax(dim=-1)
    return (log_p.exp() * log_p).sum(dim=-1).mean(dim=-1) + math.log(logits.shape[-1])


def complement_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy to q_c = 1/(C−1) for every class c but the true one, and q_y = 0.

    It equals the mean cross-entropy over C−1 copies of each row, one for each wrong label.
    """
    wrong = torch.ones_like(logits).scatter(-1, labels[..., None], 0.0)
    return -(wrong * logits.log_softmax(dim=-1)).sum(dim=-1).mean(dim=-1) / (logits.shape[-1] - 1)
