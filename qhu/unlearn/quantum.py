"""What methods that read the state vectors of the quantum layer share.

They move θ's quantum slice, its W weights. The quantum Fisher information is over that slice alone;
a front decides the angles that rows are encoded by, and is taken as it is.
"""

import torch
from torch import Tensor

from qhu.data.rows import Rows
from qhu.errors import UserError
from qhu.model.states import quantum_fisher
from qhu.unlearn.learner import Learner
from qhu.unlearn.task import MethodOptions


class StateOptions(MethodOptions):
    """Options of a method that reads state vectors; refused where there are none.

    Its scope is ``all`` or ``quantum``.
    """


def weights_of(student: Learner) -> Tensor:
    """Mask (d,) of the weights of the circuit.

    Raises:
        UserError: none of them may move.
    """
    quantum = student.net.theta.mask("quantum").to(student.theta.device)
    if not bool((student.moving & quantum).any()):
        raise UserError(
            f"{student.title} moves the weights of the circuit, and none may move: set scope to "
            "all or quantum"
        )
    return quantum


def information(student: Learner, rows: Rows) -> Tensor:
    """Quantum Fisher information (..., W, W) of the current models on the rows, in θ's dtype.

    Raises:
        UserError: the network has no state vectors, or none of the weights may move.
    """
    weights_of(student)
    state = student.state
    return quantum_fisher(student.net, state, rows.x).to(state.theta.dtype)


def placed(student: Learner, values: Tensor) -> Tensor:
    """Values (..., W) of the weights of the circuit as a vector (..., d), zero elsewhere."""
    whole = torch.zeros_like(student.theta)
    whole[..., weights_of(student)] = values
    return whole
