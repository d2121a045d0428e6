import math

import torch
from torch.nn.functional import cross_entropy

from qhu.unlearn.losses import complement_cross_entropy, distillation, divergence_from_uniform


def test_distillation_is_the_scaled_divergence_of_softened_outputs():
    student, teacher = torch.randn(2, 5, 4, dtype=torch.float64)
    p, q = (teacher / 3).softmax(1), (student / 3).softmax(1)
    expected = 9 * (p * (p / q).log()).sum(1).mean()
    assert torch.isclose(distillation(student, teacher, 3.0), expected)
    assert float(distillation(student, student, 3.0)) == 0


def test_divergence_from_uniform_runs_from_zero_to_ln_c():
    assert abs(float(divergence_from_uniform(torch.zeros(2, 5)))) < 1e-6
    sure = torch.tensor([[50.0, 0, 0, 0, 0]])
    assert math.isclose(float(divergence_from_uniform(sure)), math.log(5), rel_tol=1e-5)


def test_complement_equals_the_mean_over_copies_with_every_wrong_label():
    logits, labels = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0, 2])
    copies = [(row, c) for row, y in zip(logits, labels, strict=True) for c in range(4) if c != y]
    expanded = cross_entropy(
        torch.stack([row for row, _ in copies]), torch.tensor([c for _, c in copies])
    )
    assert torch.isclose(complement_cross_entropy(logits, labels), expanded)
