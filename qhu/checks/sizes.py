"""What is refused because no machine, or not this one, has the memory or the time for it."""

import math
import operator
import os

import torch

from qhu import registry
from qhu.errors import UserError, brief
from qhu.study import Study

MAX_STEPS = 100_000_000
"""Optimiser steps of one model: a day, where a step takes a millisecond."""
PROCESS_BYTES = 300_000_000
"""What a worker takes at least: qhu, torch and Qiskit imported."""
COPIES = 5
"""Of θ while a model trains: itself, its gradient, two moments of Adam, the best so far."""


def memory() -> int:
    """Bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def check_processes(workers: int, scheduler: str | None) -> None:
    """Refuse workers that this machine has no memory for, or that are asked for in two ways.

    Raises:
        UserError: naming how many there may be.
    """
    try:
        number = operator.index(workers)
    except TypeError:
        number = -1
    if number < 0 or isinstance(workers, bool):
        raise UserError(f"workers must be a whole number, 0 or more (got {brief(workers)})")
    if number and scheduler is not None:
        raise UserError("--workers starts local processes and --scheduler uses others: give one")
    if scheduler == "":
        raise UserError("--scheduler must be an address, such as tcp://127.0.0.1:8786")
    _fits(number * PROCESS_BYTES, f"{number:,} workers", "give fewer --workers")


def check_sizes(study: Study) -> None:
    """Refuse data, pools and networks that do not fit into memory, before they are made.

    Raises:
        UserError: naming what it would take and what to lower.
    """
    asked, data = study.experiment, study.data
    rows, width = len(data.y), data.x[:1].nbytes
    if copies := asked.data.copies:
        rows += copies.rows * copies.copies
        _fits(rows * (width + 24), f"{rows:,} rows with data.copies", "lower data.copies")
    for name, scenario in asked.scenarios.items():
        if scenario.memorised is not None:
            many = scenario.memorised.models
            what = f"what {many:,} models say of {rows:,} rows"
            _fits(9 * many * rows, what, f"lower scenarios.{name}.memorised.models")
    if asked.evidence is not None:
        many = asked.evidence.models
        what = f"what {many:,} models say of {rows:,} rows"
        _fits(8 * many * rows * len(data.classes), what, "lower evidence.models")
    _check_network(study)


def check_steps(study: Study) -> None:
    """Refuse trainings and unlearnings that would take days for one model.

    Raises:
        UserError: naming the setting.
    """
    asked = study.experiment
    rows = max(len(study.partition(seed).train) for seed in asked.seeds)
    per_epoch = math.ceil(rows / asked.training.batch_size)
    _quick(asked.training.epochs * per_epoch, f"training.epochs {asked.training.epochs:,}")
    common = asked.unlearning
    per_epoch = 2 * math.ceil(rows / common.batch_size)
    for label, chosen in asked.methods.items():
        own = chosen.options.model_dump()
        steps = common.steps if own["steps"] is None else own["steps"]
        epochs = own["epochs"] or common.epochs
        where = f"methods.{label}" if own["steps"] or own["epochs"] else "unlearning"
        if steps is None or (epochs is not None and epochs * per_epoch < steps):
            _quick((epochs or 0) * per_epoch, f"{where}.epochs {epochs or 0:,}")
        else:
            _quick(steps, f"{where}.steps {steps:,}")


def check_stack(study: Study) -> None:
    """Refuse so many models at once that they do not fit into memory together.

    Raises:
        UserError: naming what they would take.
    """
    net = study.net("train")
    models = len(study.experiment.seeds) if net.stacked else 1
    what = f"{models:,} models of {net.theta.size:,} parameters, trained together,"
    _fits(4 * COPIES * models * net.theta.size, what, "give fewer seeds or a smaller network")


def _check_network(study: Study) -> None:
    """The front and the head, sized without the memory for them."""
    model, classes = study.experiment.model, len(study.data.classes)
    for kind, inputs, outputs in (("front", study.shape, 1), ("head", 1, classes)):
        chosen = getattr(model, kind)
        if not chosen.foreign:
            with torch.device("meta"):
                part = getattr(registry, kind)[chosen.name].make(inputs, outputs, chosen.options)
            size = sum(parameter.numel() for parameter in part.parameters())
            what = f"the {kind} of the network, {size:,} parameters,"
            _fits(4 * COPIES * size, what, f"make model.{kind} smaller")


def _quick(steps: int, what: str) -> None:
    if steps > MAX_STEPS:
        raise UserError(
            f"{what}: {steps:,} optimiser steps for one model take days: ask for {MAX_STEPS:,} "
            "steps or fewer"
        )


def _fits(needed: int, what: str, mend: str) -> None:
    there = memory()
    if needed > there:
        raise UserError(
            f"{what} would take {needed / 1e9:,.0f} GB of memory and this machine has "
            f"{there / 1e9:,.0f}: {mend}"
        )
