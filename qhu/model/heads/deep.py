"""The Iris head of arXiv 2512.19253 as released."""

from torch import nn

from qhu.registry import Options, head


@head("deep", cites=["crivoi2025quantum"])
def deep(inputs: int, classes: int, options: Options) -> nn.Sequential:
    """The paper's Iris head: 32-32-16 with batch norm, ELU and dropout 0.2.

    Biases before batch norm included, as released.
    """
    return nn.Sequential(
        *(nn.Linear(inputs, 32), nn.BatchNorm1d(32), nn.ELU()),
        *(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ELU()),
        *(nn.Linear(32, 16), nn.ELU(), nn.Dropout(0.2)),
        nn.Linear(16, classes),
    )
