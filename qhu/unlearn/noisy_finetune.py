"""Certified unlearning by noisy fine-tuning (Koloskova et al., ICML 2025, arXiv 2506.06985)."""

import math
from collections.abc import Mapping
from itertools import islice
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.theta import ModelState
from qhu.registry import method
from qhu.unlearn.certificate import NoisySteps, epsilon_of, mu_of
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import UNBOUNDED, Learner
from qhu.unlearn.losses import cross_entropy
from qhu.unlearn.task import MethodOptions, Task, unused


class Options(MethodOptions):
    """Options of ``noisy_finetune``."""

    lr: float | None = Field(0.05, gt=0)
    """γ, the learning rate; a noisy step keeps the share 1 − γ·λ of the distance to θ_ref"""
    epsilon: float = Field(
        1.0, gt=0, json_schema_extra={"tune": "it is the guarantee that is asked for"}
    )
    """ε to certify; the noise follows from it"""
    delta: float = Field(
        1e-5, gt=0, lt=1, json_schema_extra={"tune": "it is the guarantee that is asked for"}
    )
    """δ to certify"""
    sigma: float | None = Field(
        None, gt=0, json_schema_extra={"tune": "it follows from the guarantee"}
    )
    """σ, noise per step and coordinate; null: what ``epsilon`` and ``delta`` need"""
    radius: float = Field(1.0, ge=0)
    """C0, how far from the initial state θ may start"""
    clip: float = Field(0.1, gt=0)
    """C1, bound on the norm of a batch gradient"""
    decay: float = Field(10.0, ge=0)
    """λ, pull towards the initial state"""
    noisy: float = Field(0.25, gt=0, le=1)
    """share of the step budget for noisy steps; the rest fine-tunes without noise"""
    noise: Literal["parameters", "gradients"] = Field(
        "parameters", json_schema_extra={"tune": "another value is another method"}
    )
    """what is noised; ``gradients``: Adam follows clipped gradients plus noise of size ``sigma``,
    as in arXiv 2512.19253; it certifies nothing and uses no other option but ``clip``"""

    @model_validator(mode="after")
    def _given(self) -> "Options":
        if self.noise == "gradients" and self.sigma is None:
            raise ValueError("noise gradients has no ε to choose sigma by: give sigma")
        return self

    def lacks(self, at: Circumstances) -> str | None:
        """A step budget, and a pull that a certificate holds for."""
        if self.noise == "parameters" and at.steps is None:
            return "noisy steps are a share of the step budget: give it steps"
        if self.noise == "parameters" and at.steps:
            try:
                NoisySteps(self.radius, self.clip, at.lr, self.decay, 1)
            except UserError as error:
                return str(error)
        return super().lacks(at)

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        if self.noise == "gradients":
            others = ("epsilon", "delta", "radius", "decay", "noisy")
            return unused(others, "noise gradients certifies nothing")
        return {} if self.sigma is None else {"epsilon": "sigma is given"}


@method("noisy_finetune", cites=["koloskova2025certified", "bok2024shifted"])
def noisy_finetune(student: Learner, task: Task, options: Options) -> dict[str, float] | None:
    """Pull θ towards its initial state, drown what is left in noise, fine-tune; certified (ε, δ).

    θ is projected onto the ball of radius C0 around θ_ref, the state that training started from:
    drawn from the seed without data, so a public reference point. Then T noisy steps

        θ ← θ − γ·(clip(∇CE(Dr), C1) + λ·(θ − θ_ref)) + N(0, σ²·Id)

    and for the rest of the budget fine-tuning on Dr, which as post-processing costs nothing. C0,
    C1, γ, λ, σ and T follow from the options alone, batches from Dr and the seed.

    Returns:
        The parameters of the noisy steps. Also μ, ε and δ, but only where the certificate holds:
        all of θ is noised, and there are no batch-norm statistics outside it.

    Raises:
        UserError: no step budget that noisy steps could be a share of.
    """
    if options.noise == "gradients":
        return noisy_gradients(student, task.retain, options)
    if not student.steps_left:
        return None
    if student.budget == UNBOUNDED:
        raise UserError("noisy steps are a share of the step budget: give noisy_finetune steps")
    count = math.ceil(options.noisy * student.steps_left)
    steps = NoisySteps(options.radius, options.clip, student.lr, options.decay, count)
    sigma = options.sigma or steps.sigma(mu_of(options.epsilon, options.delta))
    reference = task.init.theta
    start = reference + clipped(student.theta.detach() - reference, options.radius, student.moving)
    student.load(ModelState(start, student.state.buffers))
    for batch in islice(student.cycle(task.retain), count):
        gradient = student.gradient(cross_entropy(student(batch.x), batch.y))
        pull = clipped(gradient, options.clip, student.moving)
        pull += options.decay * (student.theta.detach() - reference)
        # Losses of these steps are not logged: only the last iterate may be released.
        student.move(student.theta - student.lr * pull + sigma * student.noise())
    train(student, task.retain)
    return report(steps, sigma, options.delta, certified=holds(student))


def noisy_gradients(student: Learner, retain: Rows, options: Options) -> dict[str, float]:
    """Adam along clip(∇CE(Dr), C1) + N(0, σ²·Id): fine-tuning with noise, nothing certified."""
    sigma = options.sigma or 0.0
    for _ in student.epochs():
        for batch in student.batches(retain):
            loss = cross_entropy(student(batch.x), batch.y)
            pull = clipped(student.gradient(loss), options.clip, student.moving)
            student.follow(pull + sigma * student.noise(), loss=loss)
    return {"C1": options.clip, "sigma": sigma}


def clipped(vector: Tensor, norm: float, moving: Tensor) -> Tensor:
    """The moving part of a vector (..., d), shortened to the given norm if it is longer."""
    part = torch.where(moving, vector, 0.0)
    return part * (norm / part.norm(dim=-1, keepdim=True).clamp(min=1e-30)).clamp(max=1.0)


def holds(student: Learner) -> bool:
    """Whether noise covers all that the teacher knew: every entry of θ, and no other state."""
    return bool(student.moving.all()) and not student.state.buffers


def report(steps: NoisySteps, sigma: float, delta: float, certified: bool) -> dict[str, float]:
    """Facts of the run; without a certificate it is a heuristic, and no ε, δ or μ is named."""
    facts = {
        "C0": steps.radius,
        "C1": steps.clip,
        "gamma": steps.lr,
        "lambda": steps.decay,
        "sigma": sigma,
        "T": steps.steps,
    }
    if certified:
        mu = steps.mu(sigma)
        facts |= {"mu": mu, "delta": delta, "epsilon": epsilon_of(mu, delta)}
    return facts
