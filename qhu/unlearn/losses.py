"""Losses that unlearning methods share; all are means over the rows of a batch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def distillation(
    student: Tensor, teacher: Tensor, temperature: float, floor: float = 0.0
) -> Tensor:
    """T²·KL(p_T ‖ p_S) between two models' outputs softened by the temperature T.

    The factor T² keeps the size of the gradient independent of T (Hinton et al.,
    arXiv 1503.02531).

    Args:
        student: logits (B, C).
        teacher: logits (B, C).
        temperature: divisor of both.
        floor: probabilities below it count as it, and have no gradient; 0: none do.
    """
    log_q = F.log_softmax(student / temperature, dim=1)
    log_p = F.log_softmax(teacher / temperature, dim=1)
    if floor:
        log_q, log_p = (part.clamp(min=math.log(floor)) for part in (log_q, log_p))
    return temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)


def beyond_rounding(student: Tensor, teacher: Tensor) -> Tensor:
    """The student's logits (B, C), but the teacher's where a row differs by rounding alone.

    At the teacher a divergence from it has slope 0. What autograd returns there is rounding, which
    Adam, who divides a gradient by its size, makes full steps of.

    Args:
        student: logits (B, C).
        teacher: logits (B, C), without gradient.
    """
    rounding = 100 * torch.finfo(teacher.dtype).eps * teacher.abs().amax().clamp(min=1)
    same = ((student - teacher).abs() <= rounding).all(dim=1, keepdim=True)
    return torch.where(same, teacher, student)


def divergence_from_uniform(logits: Tensor) -> Tensor:
    """KL(p ‖ U) = ln C − H(p) of the predictions p from the uniform distribution over C classes."""
    log_p = F.log_softmax(logits, dim=1)
    return (log_p.exp() * log_p).sum(dim=1).mean() + math.log(logits.shape[1])


def complement_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy to q_c = 1/(C−1) for every class c but the true one, and q_y = 0.

    It equals the mean cross-entropy over C−1 copies of each row, one for each wrong label.
    """
    classes = logits.shape[1]
    wrong = torch.ones_like(logits).scatter(1, labels[:, None], 0.0)
    return F.cross_entropy(logits, wrong / (classes - 1))
