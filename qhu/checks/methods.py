"""Whether every method can work where it is asked to, and uses what it is given."""

from collections.abc import Collection, Iterator

import numpy as np

from qhu.data.partition import Partition
from qhu.errors import UserError
from qhu.study import Study
from qhu.unlearn.circumstances import Circumstances
from qhu.unlearn.task import MethodOptions


def check_methods(study: Study, scenarios: Collection[str]) -> None:
    """Refuse methods that cannot work, and options that nothing reads.

    Options that tuning chose are left alone: it chose all of them together.

    Args:
        study: what is asked.
        scenarios: those whose rows are looked at.

    Raises:
        UserError: naming the method and how to mend it.
    """
    for label, chosen in study.experiment.methods.items():
        options = chosen.options
        assert isinstance(options, MethodOptions)
        if study.experiment.tuned is None:
            _check_idle(study, label, options)
        for where, at in _circumstances(study, options, scenarios):
            if lacking := options.lacks(at):
                raise UserError(f"methods.{label} in {where}: {lacking}")


def _check_idle(study: Study, label: str, options: MethodOptions) -> None:
    idle = dict(options.idle())
    if study.experiment.unlearning.patience is None:
        idle.setdefault("patience", "unlearning.patience is not set")
    for name, reason in idle.items():
        default = type(options).model_fields[name].get_default(call_default_factory=True)
        if getattr(options, name) != default:
            raise UserError(f"methods.{label}.{name} has no effect: {reason}; leave {name} out")


def _circumstances(
    study: Study, options: MethodOptions, scenarios: Collection[str]
) -> Iterator[tuple[str, Circumstances]]:
    """What a method finds, request by request."""
    common, theta = study.experiment.unlearning, study.net("train").theta
    within = theta.mask(options.scope or common.scope)
    layers = sum(bool(within[place].any()) for place in theta.layers.values())
    for seed in study.experiment.seeds:
        for scenario in scenarios:
            for rows in study.partition(seed, scenario).in_turn():
                yield (
                    f"scenario '{scenario}', seed {seed}",
                    Circumstances(
                        steps=common.steps if options.steps is None else options.steps,
                        batch_size=common.batch_size,
                        lr=options.lr or common.lr,
                        layers=layers,
                        retain=len(rows.retain),
                        forget=_by_class(rows, "forget"),
                        val=_by_class(rows, "val"),
                    ),
                )


def _by_class(rows: Partition, part: str) -> dict[int, int]:
    classes, counts = np.unique(rows.labels[getattr(rows, part)], return_counts=True)
    return dict(zip(classes.tolist(), counts.tolist(), strict=True))
