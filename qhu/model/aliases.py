"""One name per tensor in a network's ``state_dict``, where a layer registers it under two.

``TorchConnector`` holds its weights as ``weight`` and ``_weights``, and tied layers share theirs.
"""

from typing import Any

from torch import nn


def aliases(net: nn.Module) -> dict[str, str]:
    """Further names of parameters to the name that ``named_parameters`` has for them."""
    first = {id(parameter): name for name, parameter in net.named_parameters()}
    every = net.named_parameters(remove_duplicate=False)
    return {name: first[id(p)] for name, p in every if name != first[id(p)]}


def save_once(net: nn.Module) -> None:
    """Have ``state_dict`` leave further names out, and ``load_state_dict`` do without them."""
    net.register_state_dict_post_hook(_leave_out)
    net.register_load_state_dict_pre_hook(_put_back)


def _leave_out(net: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
    for name in aliases(net):
        state.pop(prefix + name, None)


def _put_back(net: nn.Module, state: dict[str, Any], prefix: str, *others: Any) -> None:
    for name, first in aliases(net).items():
        if prefix + first in state:
            state.setdefault(prefix + name, state[prefix + first])
