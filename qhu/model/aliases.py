"""A network's ``state_dict`` with every tensor that its files hold, under one name each.

``TorchConnector`` holds its weights as ``weight`` and ``_weights``, tied layers share theirs, and
buffers that are not persistent are part of a model's file, though torch leaves them out.
"""

from typing import Any

from torch import nn


def aliases(net: nn.Module) -> dict[str, str]:
    """Further names of tensors to the name that ``named_parameters`` has for them."""
    names: dict[str, str] = {}
    for named in (net.named_parameters, net.named_buffers):
        first = {id(tensor): name for name, tensor in named()}
        every = ((name, first[id(tensor)]) for name, tensor in named(remove_duplicate=False))
        names |= {name: own for name, own in every if name != own}
    return names


def as_in_files(net: nn.Module) -> None:
    """Have ``state_dict`` give, and ``load_state_dict`` take, what a model's file holds."""
    net.register_state_dict_post_hook(_give)
    net.register_load_state_dict_pre_hook(_take)


def _give(net: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    for name in aliases(net):
        state.pop(prefix + name, None)
    for name, buffer in net.named_buffers():
        state.setdefault(prefix + name, buffer.detach())


def _take(net: nn.Module, state: dict[str, Any], prefix: str, *others: Any) -> None:
    for name, first in aliases(net).items():
        if prefix + first in state:
            state.setdefault(prefix + name, state[prefix + first])
    for path, module in net.named_modules():
        for name in module._non_persistent_buffers_set:
            key = f"{prefix}{path}.{name}"
            if key in state:
                getattr(module, name).copy_(state.pop(key))
