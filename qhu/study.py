"""What the stages of an experiment are made of: data, rows, networks and keys."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from qhu import registry
from qhu.backends.base import STAGES, Backend
from qhu.backends.named import open_backend
from qhu.backends.paid import PaidBackend
from qhu.data.base import Dataset
from qhu.data.copies import with_copies
from qhu.data.forgetting import check_count, choose, in_requests
from qhu.data.partition import Partition, drawn
from qhu.data.reduction import chosen_part, sample_shape
from qhu.data.split import ForgetSet, forget_rows, split_rows
from qhu.errors import UserError
from qhu.hardware.access import Access
from qhu.memorisation import Memorisation, fit_halves, halves, memorisation
from qhu.model.hybrid import HybridNet
from qhu.model.theta import ModelState
from qhu.record.identity import code_digest, digest, identity, packages
from qhu.record.provenance import code_of
from qhu.record.scores import Score
from qhu.record.stage import Stage
from qhu.record.store import MemoryStore, Store
from qhu.registry import Options
from qhu.seeding import numpy_stream
from qhu.settings.checkpoint import Checkpoint
from qhu.settings.experiment import ALWAYS_RUN, Experiment, MethodSpec
from qhu.settings.parts import TrainSpec

FLOOR = "floor"
"""A second oracle, trained in another data order, in a method's place: how close chance gets."""
STACKED, ONE_BY_ONE = 256, 16
"""Models on halves that are trained, and kept, together; where each trains by itself, fewer."""
BESIDE, EXACT = "beside", "statevector"
"""The exact evaluation that stands beside one by other values, and its backend."""


@dataclass(frozen=True, order=True)
class Fit:
    """A model trained from scratch: a seed's ``teacher``, a scenario's ``oracle`` or ``floor``."""

    kind: str
    seed: int
    scenario: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.scenario, self.kind, f"seed {self.seed}")))


@dataclass(frozen=True, order=True)
class HalfModels:
    """Of so many ``models`` trained on random halves of a seed's training rows ``count``."""

    seed: int
    models: int
    first: int
    count: int

    def __str__(self) -> str:
        return f"{self.count} halves from {self.first} of {self.models} seed {self.seed}"


@dataclass(frozen=True, order=True)
class Cell:
    """One point of the study: a method applied to a seed's teacher in a scenario."""

    scenario: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.scenario} {self.method} seed {self.seed}"


class Study:
    """An experiment with everything its stages share, made once and kept.

    It can be sent to another process: it brings its data, its backends' options and the methods
    and metrics themselves, so that no file and no registered name is looked up there.

    Args:
        experiment: what is asked.
        store: where finished stages are kept; None: in memory.
        access: how devices are reached.

    Attributes:
        data: the rows that are asked for.
        shape: of one sample, as the network sees it.
        backends: by stage. Where evaluation is on another than the exact backend, ``beside`` is
            that one: the same models are evaluated on it, too.
        paid: those of them that cost.
        network: entries of the parts that the network is made of, by kind.
    """

    def __init__(
        self, experiment: Experiment, store: Store | None = None, access: Access | None = None
    ) -> None:
        self.experiment, self.store = experiment, MemoryStore() if store is None else store
        self.backends: dict[str, Backend] = {
            stage: open_backend(getattr(experiment.stages, stage), access=access)
            for stage in STAGES
        }
        self.paid = {k: b for k, b in self.backends.items() if isinstance(b, PaidBackend)}
        exact = open_backend(EXACT)
        if experiment.model.quantum and self.backends["evaluate"].identity != exact.identity:
            self.backends[BESIDE] = exact
        data = experiment.data
        source = registry.dataset[data.source]
        loaded: Dataset = source.make(registry.dataset.options(data.source, data.options))
        self.data = chosen_part(loaded, data)
        self.shape = sample_shape(self.data, data)
        self.methods = {k: registry.method[m.method] for k, m in experiment.methods.items()}
        chosen = experiment.model.parts.items()
        self.network = {kind: getattr(registry, kind)[part.name] for kind, part in chosen}
        names = registry.metric.chosen(experiment.metrics)
        self.metrics = {name: registry.metric[name] for name in names}
        parts = {**self.parts(), "dataset": (source.make, source.options)}
        self.foreign = {what: code for what, its in parts.items() if (code := code_of(*its))}
        self._origin = [code_digest(), packages(), self.data.content]
        self._nets: dict[tuple[str, str, int], HybridNet] = {}
        self._partitions: dict[tuple[int, str], Partition] = {}

    def choosing(self, label: str, options: Options) -> "Study":
        """The same study with other options of a method; it shares data, rows and networks."""
        methods = self.experiment.methods
        chosen = MethodSpec(method=methods[label].method, options=options)
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.experiment = self.experiment.model_copy(
            update={"methods": {**methods, label: chosen}}
        )
        return other

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process makes for itself what can be made again."""
        return {**self.__dict__, "_nets": {}, "_partitions": {}}

    def parts(self) -> dict[str, tuple[Any, ...]]:
        """Functions and classes that the stages run, by what they are."""
        methods = {f"method {k}": (e.make, e.options) for k, e in self.methods.items()}
        metrics = {f"metric {k}": (e.make, e.options) for k, e in self.metrics.items()}
        backends = {f"backend {b.name}": (type(b),) for b in self.backends.values()}
        parts = {f"{kind} {e.name}": (e.make, e.options) for kind, e in self.network.items()}
        return {**methods, **metrics, **backends, **parts}

    def readings(self, names: Iterable[str]) -> dict[str, Score]:
        """How scores are read, by their names."""
        declared = (entry.score(name) for name in names for entry in self.metrics.values())
        return {score.name: score for score in declared if score}

    @property
    def torch_device(self) -> torch.device:
        """Where networks are trained and evaluated."""
        return torch.device(self.experiment.device)

    @property
    def fingerprint(self) -> str:
        """Hash of all settings, of the backends' options and of the code that plugins and notebooks
        bring: an edited method is another run, and so is a metric that is read in another way."""
        backends = {stage: backend.identity for stage, backend in self.backends.items()}
        reads = {
            name: {key: reading.model_dump() for key, reading in entry.reads.items()}
            for name, entry in self.metrics.items()
            if f"metric {name}" in self.foreign
        }
        return digest([identity(self.experiment), backends, self.foreign, reads])

    def attach(self, run: str, say: Callable[[str], None]) -> None:
        """Tell devices what they work for; see :meth:`PaidBackend.attach`."""
        for stage, backend in self.paid.items():
            backend.attach(run, stage, say)

    @property
    def place(self) -> str:
        """Folder of the backend among the experiment's runs."""
        emulated = any(backend.access.emulated for backend in self.paid.values())
        return self.experiment.stages.evaluate + ("-emulated" if emulated else "")

    def fits(self) -> list[Fit]:
        """Everything that is trained from scratch."""
        seeds, scenarios = self.experiment.seeds, self.experiment.scenarios
        teachers = [Fit("teacher", seed) for seed in seeds]
        kinds = ("oracle", FLOOR)
        return teachers + [
            Fit(k, seed, name) for k in kinds for name in scenarios for seed in seeds
        ]

    def cells(self) -> list[Cell]:
        """Scenario × method × seed, the oracle floor beside the honest methods.

        Models that were unlearned elsewhere come last, for the scenarios and seeds they are of.
        """
        asked = self.experiment
        methods = [*ALWAYS_RUN, FLOOR, *(m for m in asked.methods if m not in ALWAYS_RUN)]
        cells = [
            Cell(name, method, seed)
            for name in asked.scenarios
            for method in (*methods, *asked.checkpoints)
            for seed in asked.seeds
        ]
        return [c for c in cells if c.method in methods or self.checkpoint(c)]

    def checkpoint(self, cell: Cell) -> Checkpoint | None:
        """The model that a cell was given; None where it is made here."""
        given = self.experiment.checkpoints.get(cell.method, {})
        return given.get(cell.scenario, {}).get(cell.seed)

    def partition(self, seed: int, scenario: str = "") -> Partition:
        """The rows of a seed and scenario, shared by all its models; without one: of the seed."""
        if (seed, scenario) not in self._partitions:
            self._partitions[seed, scenario] = self._drawn(seed, scenario)
        return self._partitions[seed, scenario]

    def _drawn(self, seed: int, scenario: str) -> Partition:
        data, asked = self.data, self.experiment
        if not scenario:
            pinned = {row for chosen in asked.scenarios.values() for row in chosen.ids or ()}
            split = split_rows(data, asked.data, seed, sorted(pinned))
            if asked.data.copies is not None:
                data, split = with_copies(data, split, asked.data.copies, seed)
            return Partition(data, asked.data, split, ForgetSet(split.train, split.train[:0]))
        whole, chosen = self.partition(seed), asked.scenarios[scenario]
        grades = functools.partial(self.memorisation, seed)
        choice = choose(whole, scenario, chosen, seed, lambda models: grades(models).value)
        rows = None if choice is None else choice.rows
        parted = forget_rows(whole.data, whole.split, scenario, chosen, seed, asked.data, rows)
        return Partition(
            whole.data,
            asked.data,
            whole.split,
            parted,
            whole,
            forgotten=None if chosen.label is None else data.class_number(chosen.label),
            scored=drawn(parted.retain, asked.evaluation.retain, seed, scenario),
            requests=in_requests(parted.forget, chosen, scenario, seed),
            choice=choice,
        )

    def memorisation(self, seed: int, models: int) -> Memorisation:
        """Memorisation of a seed's training rows by so many models, trained where not kept yet."""
        graded = [self.graded(part).arrays["given"] for part in self._halves(seed, models)]
        return memorisation(np.concatenate(graded), self._members(seed, models))

    def halves(self) -> list[HalfModels]:
        """All models that scenarios need to tell memorisation, as many at once as are kept at once.

        Raises:
            UserError: a scenario asks for more rows than there are.
        """
        listed: dict[HalfModels, None] = {}
        for seed in self.experiment.seeds:
            for name, chosen in self.experiment.scenarios.items():
                if chosen.memorised is not None:
                    check_count(name, chosen, len(self.partition(seed).train))
                    listed |= dict.fromkeys(self._halves(seed, chosen.memorised.models))
        return list(listed)

    def graded(self, part: HalfModels) -> Stage:
        """What models on random halves give to the labels of all training rows, ``given`` (m, n).

        Raises:
            UserError: training costs.
        """
        training = self.experiment.training
        return self.store.get(
            self._half_key(part), lambda: ({"given": self.fit_halves(part, training)}, {})
        )

    def is_graded(self, part: HalfModels) -> bool:
        """Whether the store holds what such models give to labels."""
        return self._half_key(part) in self.store

    def fit_halves(self, part: HalfModels, spec: TrainSpec) -> NDArray[np.float64]:
        """Train such models; what each gives to the labels of all training rows, (m, n)."""
        partition, device = self.partition(part.seed), self.torch_device
        judging = partition.selection(spec.select)
        rows, val = (partition.rows(index, device) for index in (partition.train, judging))
        members = self._members(part.seed, part.models)[part.first : part.first + part.count]
        numbered = dict(enumerate(members, part.first))
        net = self.net("train", self._half_key(part))
        return fit_halves(net, rows, val, numbered, spec, part.seed)

    def _half_key(self, part: HalfModels) -> str:
        if "train" in self.paid:
            raise UserError(
                f"{part.models} models would be trained on {self.experiment.stages.train} to tell "
                "memorisation: set stages.train to an exact backend, or name the rows by ids"
            )
        training, partition = self.experiment.training, self.partition(part.seed)
        judging = partition.selection(training.select).tolist()
        settings = [identity(training), judging, *astuple(part)]
        return self.key("halves", "train", part.seed, *settings)

    def _halves(self, seed: int, models: int) -> list[HalfModels]:
        size = STACKED if self.net("train").stacked else ONE_BY_ONE
        firsts = range(0, models, size)
        return [HalfModels(seed, models, i, min(size, models - i)) for i in firsts]

    def _members(self, seed: int, models: int) -> NDArray[np.bool_]:
        partition, drawing = self.partition(seed), numpy_stream(seed, "halves", models)
        return halves(partition.labels[partition.train], models, drawing)

    def seen_by(self, model: Stage, seed: int) -> torch.Tensor:
        """All rows as a stored model sees them: by the scaling that it was trained with."""
        return self.partition(seed, model.facts.get("scaled_without", "")).samples

    def evaluated(self, stage: str, seed: int, scenario: str) -> NDArray[np.int64] | None:
        """Rows that a stage's backend evaluates: where that costs, those of the scores; else all.

        Returns:
            Row numbers, None for all.
        """
        if stage not in self.paid:
            return None
        return np.unique(np.concatenate(list(self.partition(seed, scenario).subsets().values())))

    def conditions(self, stage: str) -> list[Any]:
        """What a device's values depend on beside its options: qubits and calibration."""
        if stage not in self.paid:
            return []
        self.net(stage)  # the device is asked when the circuit is placed
        return self.paid[stage].conditions()

    def net(self, stage: str, key: str = "") -> HybridNet:
        """The network on the backend of a stage.

        Where values are sampled it is made anew, with shots of the given key's own stream, so that
        a stage depends on no other: whoever computes with it gives the key of what is computed.
        Without one it is for the layout of θ alone.
        """
        backend = self.backends[stage]
        # A device knows the stage that it works for; other backends serve all stages alike.
        where = stage if stage in self.paid else ""
        which = (backend.name, where, int(key or "0", 16) if backend.sampled else 0)
        if which not in self._nets:
            classes = len(self.data.classes)
            net = HybridNet(self.experiment.model, self.shape, classes, backend, which[2])
            if backend.sampled:
                return net
            self._nets[which] = net
        return self._nets[which]

    def key(self, kind: str, stage: str, seed: int, *parts: Any) -> str:
        """Key of a stage: its own settings, its backend, the data and the code behind them."""
        backend, asked = self.backends[stage], self.experiment
        source = [backend.identity, self.foreign.get(f"backend {backend.name}")]
        network = [self.foreign.get(f"{kind} {entry.name}") for kind, entry in self.network.items()]
        settings = [identity(asked.data), identity(asked.model), network, asked.device]
        scaled_by = self.partition(seed).train.tolist()
        return digest([kind, source, seed, settings, self._origin, scaled_by, *parts])

    def arrays(self, state: ModelState) -> dict[str, NDArray[Any]]:
        """A state as named arrays, the way a model file holds it."""
        named = self.net("train").theta.split(state.theta.detach())
        return {k: v.cpu().numpy() for k, v in {**named, **state.buffers}.items()}

    def state(self, stage: Stage) -> ModelState:
        """The state that a model file holds, on the device."""
        net = self.net("train")
        tensors = {name: torch.from_numpy(array) for name, array in stage.arrays.items()}
        theta = torch.cat([tensors[name].reshape(-1) for name in net.theta.slices])
        state = ModelState(theta, {name: tensors[name] for name, _ in net.named_buffers()})
        return state.to(self.torch_device)
