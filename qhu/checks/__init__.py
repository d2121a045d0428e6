"""What is refused before anything is computed or written."""

from collections.abc import Collection

import torch

from qhu.backends.statevector import StatevectorBackend
from qhu.checks.methods import check_methods
from qhu.checks.sizes import check_sizes, check_stack, check_steps
from qhu.errors import UserError
from qhu.model.circuit import selective_encoding
from qhu.model.fitting import fitted
from qhu.model.states import check_states
from qhu.study import Study
from qhu.unlearn.quantum import StateOptions
from qhu.unlearn.task import MethodOptions


def check(study: Study, scenarios: Collection[str] | None = None, pays: bool = True) -> None:
    """Refuse wrong inputs before anything is computed or written.

    Args:
        study: what is asked.
        scenarios: those whose rows are looked at; None: all.
        pays: whether devices will be asked, not only counted on.

    Raises:
        UserError: an empty split or forget set, no rows to select an epoch by, an absent class,
            row or device, a method without options or without the state vectors that it reads,
            parts of models that scale samples apart, parts of the network that do not fit each
            other or the data, a circuit that does not fit its backend, a method that cannot work,
            an option that nothing reads, or sizes that the machine has no memory for.
        BudgetRefused: a device of the platform, and no budget.
    """
    if study.torch_device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "device cuda: torch finds no CUDA device here; use device=cpu, or install a torch "
            "built for CUDA"
        )
    chosen = study.experiment.scenarios if scenarios is None else scenarios
    check_sizes(study)
    for seed in study.experiment.seeds:
        for scenario in chosen:
            _check_selection(study, seed, scenario)
            _check_components(study, seed, scenario)
    for entry in study.methods.values():
        if not issubclass(entry.options, MethodOptions):
            raise UserError(
                f"method '{entry.name}' takes no MethodOptions: annotate its parameter "
                "options with qhu.MethodOptions or a subclass of it"
            )
    _check_scaling(study)
    for backend in study.paid.values() if pays else ():
        backend.check()
    _check_network(study, chosen)
    check_stack(study)
    check_steps(study)
    _check_checkpoints(study)
    _check_states(study)
    check_methods(study, chosen)
    _check_backends(study)


def _check_backends(study: Study) -> None:
    """Refuse a circuit that does not fit the backend of a stage, or a backend without a circuit."""
    for stage, backend in study.backends.items():
        if not study.experiment.model.quantum and not isinstance(backend, StatevectorBackend):
            raise UserError(
                f"stages.{stage} {backend.name} has nothing to run, because the network has no "
                f"quantum layer: set stages.{stage} to statevector, or model.quantum to true"
            )
        try:
            study.net(stage)
        except UserError as error:
            raise error.at(f"stages.{stage} {backend.name}") from None


def _check_states(study: Study) -> None:
    """Refuse a method that reads state vectors where there are none, or where no weight moves."""
    for label, chosen in study.experiment.methods.items():
        if not isinstance(chosen.options, StateOptions):
            continue
        scope = chosen.options.scope or study.experiment.unlearning.scope
        if scope == "classical":
            raise UserError(
                f"methods.{label} moves the weights of the circuit: set methods.{label}.scope to "
                "all or quantum"
            )
        if "unlearn" in study.paid:
            raise UserError(
                f"methods.{label} reads state vectors, which no device gives: set stages.unlearn "
                "to statevector"
            )
        try:
            check_states(study.net("unlearn"))
        except UserError as error:
            raise UserError(f"methods.{label}: {error}; or leave it out by --methods") from None


def _check_scaling(study: Study) -> None:
    """Refuse a part of the oracle inside the teacher where the two scale samples apart."""
    for label, chosen in study.experiment.methods.items():
        scope = chosen.options.model_dump().get("scope") or study.experiment.unlearning.scope
        apart = study.experiment.data.scale_rows == "retain" and chosen.method == "retrain"
        if apart and scope != "all":
            raise UserError(
                f"data.scale_rows retain scales teacher and oracle apart, and methods.{label} "
                f"puts a part of one into the other: set methods.{label}.scope to all"
            )


def _check_checkpoints(study: Study) -> None:
    """Refuse models from elsewhere that have gone or are of another network."""
    for cell, checkpoint in ((cell, study.checkpoint(cell)) for cell in study.cells()):
        if checkpoint is None:
            continue
        stage = study.store.find(checkpoint.content)
        if stage is None:
            raise UserError(
                f"the model of {cell} ({checkpoint.file or 'from Python'}) is not kept here: "
                "evaluate it again by qhu evaluate"
            )
        tensors = {name: torch.from_numpy(array) for name, array in stage.arrays.items()}
        fitted(study.net("train"), tensors, f"the model of {cell}")


def _check_network(study: Study, scenarios: Collection[str]) -> None:
    """Refuse parts that do not fit each other, and samples that the encoding cannot take."""
    study.net("train")
    encoding = selective_encoding(study.experiment.model)
    if encoding is None:
        return
    for seed in study.experiment.seeds:
        for scenario in scenarios:
            encoding.check(study.partition(seed, scenario).samples)


def _check_selection(study: Study, seed: int, scenario: str) -> None:
    """Refuse a forget set that leaves no rows to select an epoch by, where one is selected."""
    partition = study.partition(seed, scenario)
    for part in ("training", "unlearning"):
        spec = getattr(study.experiment, part)
        if spec.patience and not len(partition.selection(spec.select)):
            raise UserError(
                f"{part}.patience: no validation row of seed {seed} has a class of the retain "
                f"rows of scenario '{scenario}': raise data.val"
            )


def _check_components(study: Study, seed: int, scenario: str) -> None:
    """Refuse more principal components than there are rows to find them in."""
    components, rows = study.experiment.data.pca, len(study.partition(seed, scenario).retain)
    if components is not None and components > rows:
        raise UserError(
            f"data.pca {components}: seed {seed} retains {rows} rows in scenario '{scenario}', "
            f"which have no more components: set data.pca to {rows} or less"
        )
