"""ADV-UNIFORM (Crivoi & Ionescu, arXiv 2512.19253)."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from qhu.registry import method
from qhu.unlearn.learner import Learner
from qhu.unlearn.losses import cross_entropy, divergence_from_uniform
from qhu.unlearn.task import PairOptions, Task


class Options(PairOptions):
    """Options of ``adv_uniform``."""

    epsilon: float = Field(0.1, ge=0)
    """size of the adversarial step, in units of the features"""
    weight: float = Field(1.0, ge=0)
    """λ, the weight of the forget rows; 0 is fine-tuning"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {} if self.weight else {"epsilon": "weight is 0"}


@method("adv_uniform", cites=["crivoi2025quantum", "goodfellow2015explaining"])
def adv_uniform(student: Learner, task: Task, options: Options) -> None:
    """Train adversarial neighbours of the forget rows towards uniform predictions.

    Each step crafts x' = clip(x + ε·sign ∇_x KL(p(x) ‖ U)) from the current model for x in Df and
    descends on CE(Dr) + λ·KL(p(x') ‖ U), with U the uniform distribution.
    """
    for _ in student.epochs():
        for retain, forget in student.pairs(task.retain, task.forget, options.pairing):
            crafted = craft(student, forget.x, options.epsilon, task.span)
            kept = cross_entropy(student(retain.x), retain.y)
            confidence = divergence_from_uniform(student(crafted))
            student.descend(kept + options.weight * confidence)


def craft(student: Learner, x: Tensor, epsilon: float, span: tuple[float, float]) -> Tensor:
    """One step of the fast gradient sign method away from uniform predictions.

    In evaluation mode: crafting must neither move batch-norm statistics nor draw dropout masks.
    """
    x = x.clone().requires_grad_()
    divergence = divergence_from_uniform(student(x, training=False))
    (gradient,) = torch.autograd.grad(divergence.sum(), x)
    return (x + epsilon * gradient.sign()).detach().clamp(*span)
