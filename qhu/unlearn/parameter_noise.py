"""Noise on all of θ as unlearning, and what it certifies."""

from collections.abc import Mapping

from pydantic import Field

from qhu.model.theta import ModelState
from qhu.registry import method
from qhu.unlearn.certificate import epsilon_of
from qhu.unlearn.finetune import train
from qhu.unlearn.learner import Learner
from qhu.unlearn.noisy_finetune import clipped, holds
from qhu.unlearn.task import MethodOptions, Task


class Options(MethodOptions):
    """Options of ``parameter_noise``."""

    sigma: float = Field(0.2, gt=0)
    """σ, standard deviation of the noise on every entry of θ"""
    radius: float | None = Field(
        None, gt=0, json_schema_extra={"tune": "it is the guarantee that is asked for"}
    )
    """C0, how far from the initial state θ may be before it is noised; null: anywhere, and then
    nothing is certified"""
    delta: float = Field(
        1e-5, gt=0, lt=1, json_schema_extra={"tune": "it is the guarantee that is asked for"}
    )
    """δ, at which ε is stated"""

    def idle(self) -> Mapping[str, str]:
        """See :meth:`MethodOptions.idle`."""
        return {} if self.radius is not None else {"delta": "without radius nothing is certified"}


@method("parameter_noise", cites=["koloskova2025certified"])
def parameter_noise(student: Learner, task: Task, options: Options) -> dict[str, float] | None:
    """Add Gaussian noise to θ once, then fine-tune on the retain rows.

    θ ← θ + N(0, σ²·Id), with a radius from θ's projection onto the ball of radius C0 around the
    state that training started from, which is drawn without data. That is output perturbation: two
    starts in the ball are 2·C0 apart at most, so the noised θ, and all that fine-tuning on Dr makes
    of it, is μ-GDP with μ = 2·C0/σ, against any other start such as the retrained model.

    Returns:
        σ, and with a radius C0; also μ, ε and δ, but only where these hold: a radius is given, all
        of θ is noised, and there are no batch-norm statistics outside it.
    """
    if not student.steps_left:
        return None
    facts = {"sigma": options.sigma}
    if options.radius is not None:
        reference = task.init.theta
        away = clipped(student.theta.detach() - reference, options.radius, student.moving)
        student.load(ModelState(reference + away, student.state.buffers))
        facts["C0"] = options.radius
        if holds(student):
            mu = 2 * options.radius / options.sigma
            facts |= {"mu": mu, "delta": options.delta, "epsilon": epsilon_of(mu, options.delta)}
    student.move(student.theta + options.sigma * student.noise())
    train(student, task.retain)
    return facts
