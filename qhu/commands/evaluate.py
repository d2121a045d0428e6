"""The command ``qhu evaluate``: models that were unlearned elsewhere become cells of a run.

A file's tensors are kept in the store under a digest of what they are, and the experiment names
that digest. All else is an ordinary run.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from qhu.errors import UnknownName, UserError, brief, shortened
from qhu.grid import run as grid
from qhu.model.checkpoint import read_model
from qhu.model.fitting import fitted, fitted_theta
from qhu.record.files import checksum
from qhu.record.identity import digest
from qhu.record.naming import check_name
from qhu.record.store import Store
from qhu.settings.checkpoint import Checkpoint, check_labels
from qhu.settings.experiment import ALWAYS_RUN, TRAINED, Experiment, parse_seeds
from qhu.settings.parts import Stages
from qhu.study import Study

SEED = "{seed}"
"""Stands for the seed in the pattern of file names."""


class _Model(NamedTuple):
    """A model as the experiment names it and as the store keeps it."""

    checkpoint: Checkpoint
    arrays: dict[str, Any]
    facts: dict[str, Any]


def with_models(
    experiment: Experiment,
    models: Sequence[Any],
    name: str,
    scenario: str | None = None,
    seeds: int | str | Iterable[int] | None = None,
) -> Experiment:
    """The experiment with models that were unlearned elsewhere in its methods' place.

    They are kept in the store. ``none``, ``retrain`` and the floor stay beside them.

    Args:
        experiment: what the models stand in.
        models: one per seed, in their order: a path, a ``torch.nn.Module``, a ``state_dict`` or θ;
            or one path with ``{seed}`` in it.
        name: their row.
        scenario: what they forgot; None: the only one there is.
        seeds: whose teacher they started from; None: the only one there is, or all of a pattern.

    Raises:
        UserError: the name is taken; it is not plain which scenario and seeds are meant; or a model
            cannot be read or is not of the experiment's network.
    """
    try:
        check_labels([check_name(name)], experiment.methods, TRAINED)
    except ValueError as error:
        raise UserError(f"--as {shortened(name)}: {error}") from None
    scenario = _scenario(experiment, scenario)
    chosen = _by_seed(experiment, models, seeds)
    exactly = experiment.model_copy(update={"stages": Stages()})
    study = Study(exactly, Store(grid.STORE.resolve()))
    read = {seed: _read(study, model, seed) for seed, model in chosen.items()}
    _refuse_equal(read)
    for model in read.values():
        if model.checkpoint.content not in study.store:
            study.store.put(model.checkpoint.content, model.arrays, model.facts)
    return _narrowed(experiment, name, scenario, read)


def _refuse_equal(models: Mapping[int, _Model]) -> None:
    """Refuse one model for two seeds: what looks like two samples would be one."""
    seeds: dict[str, int] = {}
    for seed, model in models.items():
        other = seeds.setdefault(model.checkpoint.content, seed)
        if other != seed:
            raise UserError(f"the models of seeds {other} and {seed} are the same: give one each")


def _narrowed(
    experiment: Experiment, name: str, scenario: str, models: Mapping[int, _Model]
) -> Experiment:
    """No more than the models need: scenarios that rows, teacher or scaling depend on stay."""
    scaled = {model.facts["scaled_without"] for model in models.values()}
    stay = {scenario, experiment.training.teacher_without, *scaled}
    scenarios = experiment.scenarios.items()
    checkpoints = {seed: model.checkpoint for seed, model in models.items()}
    narrow = {
        "scenarios": {label: asked for label, asked in scenarios if label in stay or asked.ids},
        "methods": {label: experiment.methods[label] for label in ALWAYS_RUN},
        "seeds": tuple(seed for seed in experiment.seeds if seed in checkpoints),
        "checkpoints": {**experiment.checkpoints, name: {scenario: checkpoints}},
    }
    return experiment.model_copy(update=narrow)


def _scenario(experiment: Experiment, asked: str | None) -> str:
    names = list(experiment.scenarios)
    if asked is None and len(names) > 1:
        raise UserError(f"say by --scenario what was forgotten: {shortened(', '.join(names), 500)}")
    if asked is not None and asked not in names:
        raise UnknownName("scenario", asked, names)
    return asked or names[0]


def _by_seed(
    experiment: Experiment, models: Sequence[Any], asked: int | str | Iterable[int] | None
) -> dict[int, Any]:
    """The models by the seeds that they stand for."""
    listed = shortened(", ".join(map(str, experiment.seeds)), 300)
    path = _path(models[0]) if len(models) == 1 else None
    pattern = path is not None and SEED in path
    if asked is None and not pattern and len(models) == len(experiment.seeds) == 1:
        asked = experiment.seeds
    if asked is None and not pattern:
        raise UserError(
            f"say by --seed which seeds the models stand for, in their order, such as --seed "
            f"{experiment.seeds[0]}; the experiment has {listed}"
        )
    seeds = _seeds(experiment.seeds if asked is None else asked)
    for seed in seeds:
        if seed not in experiment.seeds:
            raise UserError(
                f"seed {seed} is none of the experiment's ({listed}): add it to them, such as "
                f"-s seeds={seed}"
            )
    if path is not None and pattern:
        models = [path.replace(SEED, str(seed)) for seed in seeds]
    if len(models) != len(seeds) or len(set(seeds)) < len(seeds):
        raise UserError(
            f"{len(models)} models for the seeds {shortened(', '.join(map(str, seeds)), 300)}: "
            f"give one per seed, or one pattern such as model{SEED}.pt"
        )
    return dict(zip(seeds, models, strict=True))


def _seeds(asked: int | str | Iterable[int]) -> list[int]:
    parsed = parse_seeds(asked)
    listed = list(parsed) if isinstance(parsed, Iterable) else [parsed]
    if odd := [seed for seed in listed if isinstance(seed, bool) or not hasattr(seed, "__index__")]:
        raise UserError(f"seed: give whole numbers, such as 0 or [0, 1] (got {brief(odd[0])})")
    return list(map(operator.index, listed))


def _path(model: Any) -> str | None:
    return fspath(model) if isinstance(model, str | PathLike) else None


def _read(study: Study, model: Any, seed: int) -> _Model:
    """A model of the study's network."""
    net, origin, called = study.net("train"), dict[str, str](), f"model of seed {seed}"
    scaled = study.experiment.training.teacher_without or ""
    if isinstance(model, nn.Module):
        model = model.state_dict()
    if path := _path(model):
        file = read_model(Path(path))
        state = fitted(net, file.tensors, path)
        origin = {"file": _printable(Path(path).name), "sha256": file.sha256}
        if file.stage:
            origin["stage"] = file.stage.key
            scaled = _as_trained(study, file.stage.facts, seed, path)
    elif isinstance(model, Mapping):
        state = fitted(net, model, called)
    else:
        state = fitted_theta(net, model, called)
    return _model(study.arrays(state), scaled, origin)


def _as_trained(study: Study, facts: Mapping[str, Any], seed: int, path: str) -> str:
    """Scenario without whose forget rows a run scaled the samples that it trained a model on.

    Raises:
        UserError: it was trained on the rows of another seed, or the scenario is not at hand.
    """
    own = study.experiment.training.teacher_without or ""
    if facts.get("seed", seed) != seed:
        raise UserError(
            f"{path} is of seed {shortened(str(facts['seed']))}, as the run that wrote it says: it "
            f"cannot stand for seed {seed}, whose rows are others"
        )
    scaled = facts.get("scaled_without", own)
    if study.experiment.data.scale_rows != "retain":
        return own
    if scaled not in ("", *study.experiment.scenarios):
        raise UserError(
            f"{path} was trained on samples that were scaled without the forget rows of scenario "
            f"'{shortened(str(scaled))}', which this experiment has not"
        )
    return str(scaled)


def _model(arrays: dict[str, Any], scaled_without: str, origin: dict[str, str]) -> _Model:
    """How it was made, and in how many steps, is not known here."""
    parts = {k: [str(a.dtype), a.shape, checksum(a.tobytes())] for k, a in arrays.items()}
    content = digest(["checkpoint", parts, scaled_without])
    unknown: dict[str, Any] = {"history": [], "steps": None, "facts": {}}
    facts = {**unknown, "scaled_without": scaled_without}
    return _Model(Checkpoint(content=content, **origin), arrays, facts)


def _printable(name: str) -> str:
    """A file's name as text that every page and document can hold."""
    return shortened("".join(c if c.isprintable() else repr(c)[1:-1] for c in name), 150)
