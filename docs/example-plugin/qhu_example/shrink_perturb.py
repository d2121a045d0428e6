"""Shrink and perturb, then fine-tune on the retain rows."""

from pydantic import Field
from torch.nn.functional import cross_entropy

import qhu

PAPER = """@inproceedings{ash2020warm,
  author = {Ash, Jordan T. and Adams, Ryan P.},
  title = {On Warm-Starting Neural Network Training},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2020},
}"""


class ShrinkPerturbOptions(qhu.MethodOptions):
    """How far the model is taken back first."""

    shrink: float = Field(0.5, ge=0, le=1)
    """factor on θ before fine-tuning"""
    noise: float = Field(0.01, ge=0)
    """standard deviation of the noise added to θ"""


@qhu.method("shrink_perturb", cites=[PAPER])
def shrink_perturb(
    student: qhu.Learner, task: qhu.Task, options: ShrinkPerturbOptions
) -> dict[str, float]:
    """Shrink θ towards zero, add noise, and train on the retain rows again.

    θ ← λθ + σε with ε ~ N(0, 1), then descend on CE(Dr). Ash & Adams, NeurIPS 2020.
    """
    before = student.theta.detach().clone()
    student.move(options.shrink * before + options.noise * student.noise())
    moved = float((student.theta.detach() - before).norm())
    for batch in student.cycle(task.retain):
        student.descend(cross_entropy(student(batch.x), batch.y))
    return {"moved": moved}
