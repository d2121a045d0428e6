"""A device that is not there: tensors on it compute on the CPU, and refuse to meet CPU tensors."""

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

ELSEWHERE = torch.device("meta")
_aten = torch.ops.aten
_MOVES = (_aten._to_copy.default, _aten.copy_.default)
_BY_INDEX = (_aten.index.Tensor, _aten.index_put_.default, _aten.index_put.default)


class Away(torch.Tensor):
    """A tensor of the device; its numbers are in ``here``."""

    @staticmethod
    def __new__(cls, here: torch.Tensor) -> "Away":
        here = here.resolve_conj().resolve_neg()  # marks of views that the wrapper does not bear
        made = torch.Tensor._make_wrapper_subclass(
            cls, here.shape, here.stride(), here.storage_offset(), dtype=here.dtype,
            device=ELSEWHERE,
        )  # fmt: skip
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """While it is active, ``device=ELSEWHERE`` makes such tensors, and a mix of devices raises.

    As on an accelerator, scalars and indices may come from the CPU.
    """

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


def _run(function, args, kwargs):
    found = []
    tree_map_only(torch.Tensor, found.append, (args, kwargs))
    away = any(isinstance(tensor, Away) for tensor in found)
    if function not in _MOVES:
        seen = found[:1] if function in _BY_INDEX else found
        if away and any(not isinstance(t, Away) and t.ndim for t in seen):
            raise RuntimeError(f"{function} mixes devices")
    wanted = kwargs.get("device")
    if wanted is not None:
        away, kwargs = torch.device(wanted) == ELSEWHERE, {**kwargs, "device": "cpu"}
    result = function(*_here(args), **_here(kwargs))
    if away and torch.Tag.inplace_view in function.tags:  # the wrapper changes its shape, too
        with no_dispatch():
            function(*args, **kwargs)
    # What was changed in place is returned as the tensor that was given.
    given = {id(_here(tensor)): tensor for tensor in found}

    def back(tensor):
        return given.get(id(tensor)) if id(tensor) in given else Away(tensor) if away else tensor

    return tree_map_only(torch.Tensor, back, result)


def _here(tree):
    return tree_map_only(Away, lambda tensor: tensor.here, tree)
