"""What stands behind the quantum layer: expectation values become logits."""

from torch import nn

from qhu.settings.parts import ModelSpec


def build_head(spec: ModelSpec, inputs: int, classes: int) -> nn.Sequential:
    """Head of a hybrid network.

    Args:
        spec: its kind, and for ``mlp`` its widths, normalisation and dropout.
        inputs: number of expectation values.
        classes: number of logits.
    """
    return _deep(inputs, classes) if spec.head == "deep" else _mlp(spec, inputs, classes)


def _mlp(spec: ModelSpec, inputs: int, classes: int) -> nn.Sequential:
    modules: list[nn.Module] = []
    for width in spec.hidden:
        # Batch norm takes any bias away again: its gradient would be rounding noise that Adam
        # blows up to full steps.
        modules.append(nn.Linear(inputs, width, bias=not spec.batch_norm))
        modules += [nn.BatchNorm1d(width)] if spec.batch_norm else []
        modules.append(nn.ReLU())
        inputs = width
    modules += [nn.Dropout(spec.dropout)] if spec.dropout else []
    return nn.Sequential(*modules, nn.Linear(inputs, classes))


def _deep(inputs: int, classes: int) -> nn.Sequential:
    """The Iris head of arXiv 2512.19253 as released, biases before batch norm included."""
    return nn.Sequential(
        *(nn.Linear(inputs, 32), nn.BatchNorm1d(32), nn.ELU()),
        *(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ELU()),
        *(nn.Linear(32, 16), nn.ELU(), nn.Dropout(0.2)),
        nn.Linear(16, classes),
    )
