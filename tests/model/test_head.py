import pytest
from torch import nn

from qhu.errors import UserError

IRIS = {"layers": 6, "head": "deep"}


def test_the_deep_iris_network_has_the_published_size(make_net):
    net = make_net(**IRIS)
    assert net.theta.size == 1_995
    assert int(net.theta.mask("quantum").sum()) == 72
    trained = [name for name in net.theta.layers if name.startswith("head.")]
    assert trained == ["head.0", "head.3", "head.6", "head.9"]
    kinds = [type(module).__name__ for module in net.head]
    assert kinds == ["Linear", "BatchNorm1d", "ELU"] * 2 + ["Linear", "ELU", "Dropout", "Linear"]


def test_a_head_with_dropout_draws_random_numbers_and_is_not_stacked(make_net):
    assert make_net(**IRIS).draws and not make_net(**IRIS).stacked
    assert make_net(dropout=0.1).draws
    plain = make_net(hidden=(5,), batch_norm=True)
    assert plain.stacked
    assert not any(isinstance(module, nn.Dropout) for module in plain.head)


@pytest.mark.parametrize("extra", [{"hidden": (8,)}, {"batch_norm": True}, {"dropout": 0.5}])
def test_the_deep_head_takes_no_widths(make_net, extra):
    with pytest.raises(UserError, match="has no such option"):
        make_net(**IRIS, **extra)
