"""Names of one kind: what registers them, and what finds them again."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

from qhu.errors import QhuError, UnknownName, UserError
from qhu.record.naming import refuse_names
from qhu.record.provenance import MAIN
from qhu.record.scores import Reading, Score, score_of
from qhu.registry.kinds import MetricFunction
from qhu.registry.options import Options, parse


@dataclass(frozen=True)
class Entry:
    """A registered object.

    Attributes:
        name: its name.
        make: the function or class itself.
        options: model of its options.
        cites: its sources, as :func:`qhu.record.references.resolve` takes them.
    """

    name: str
    make: Callable[..., Any]
    options: type[Options]
    cites: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """First line of the docstring, shown by ``qhu list``."""
        return (inspect.getdoc(self.make) or "").split("\n", 1)[0]


@dataclass(frozen=True)
class MetricEntry(Entry):
    """A registered metric.

    Attributes:
        reads: how its scores are read, by their names or their names without the subset.
        on_request: whether only experiments that name it get it.
    """

    reads: Mapping[str, Reading] = field(default_factory=dict)
    on_request: bool = False

    @property
    def summary(self) -> str:
        """First line of the docstring, then against what to read it or that it is on request."""
        goals = dict.fromkeys(str(r.against) for r in self.reads.values() if r.against is not None)
        note = f"Read against {', '.join(goals)}." if goals else ""
        return f"{super().summary} {'On request only.' if self.on_request else note}".strip()

    def score(self, name: str) -> Score | None:
        """How one of its scores is read; None where it does not declare such a score."""
        return score_of(name, self.name, self.reads, super().summary)


F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=Entry)


class Names(Generic[F, E]):
    """Names of one kind, filled by the modules of ``package`` and by entry points.

    Args:
        kind: what the names stand for, singular ("method").
        package: package whose modules register themselves when imported.
        plural: the kind, plural, which entry points of plugins are called by: ``qhu.methods``.
        taken: pattern of names that stand for something else.
    """

    def __init__(self, kind: str, package: str, plural: str = "", taken: str = "") -> None:
        self.kind, self.package, self.plural = kind, package, plural or f"{kind}s"
        self._taken = re.compile(taken, re.IGNORECASE)
        self._entries: dict[str, E] = {}
        self._loaded = False

    def _register(self, make: F, entry: E) -> F:
        if make.__module__ == MAIN:  # a name that is taken is refused here, not in the run
            self._load()
        existing = self._entries.get(entry.name)
        if existing is not None and existing.make.__module__ != make.__module__:
            raise QhuError(
                f"{self.kind} '{entry.name}' is defined twice: in {existing.make.__module__} "
                f"and in {make.__module__}; rename one"
            )
        refuse_names([*self._entries, entry.name], f"{self.kind} of {make.__module__}")
        if self._taken.fullmatch(entry.name):
            raise UserError(
                f"{self.kind} '{entry.name}' of {make.__module__}: the name stands for something "
                "else in qhu: choose another one"
            )
        self._entries[entry.name] = entry
        return make

    def __getitem__(self, name: str) -> E:
        self._load()
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def names(self) -> list[str]:
        """All registered names, sorted."""
        self._load()
        return sorted(self._entries)

    def listed(self) -> list[str]:
        """All names, sorted, read from the sources: nothing is imported, as who completes needs it.

        Names of plugins are those of their entry points.
        """
        package = Path(__file__).parents[1].joinpath(*self.package.split(".")[1:])
        sources = [file.read_text(encoding="utf-8") for file in package.glob("*.py")]
        decorator = re.compile(rf'^@(?:registry\.)?{self.kind}\(\s*"([^"]+)"', re.MULTILINE)
        own = [name for source in sources for name in decorator.findall(source)]
        return sorted({*own, *entry_points(group=f"qhu.{self.plural}").names})

    def options(self, name: str, given: Any) -> Options:
        """Validate the options given for ``name``.

        Raises:
            UserError: the name or one of its options is unknown or out of range.
        """
        entry = self[name]
        return parse(entry.options, given or {}, f"{self.kind} '{name}'")

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True  # first, because the modules look each other's names up
        try:
            self._import()
        except BaseException:
            self._loaded = False
            raise

    def _import(self) -> None:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for point in entry_points(group=f"qhu.{self.plural}"):
            try:
                point.load()
            except QhuError:
                raise
            except Exception as error:
                raise UserError(
                    f"plugin {point.value} does not load ({type(error).__name__}: {error}): "
                    f"mend or uninstall {point.dist.name if point.dist else point.name}"
                ) from error


class Registry(Names[F, Entry]):
    """Names of one kind that need no more than their function or class."""

    def __call__(self, name: str, *, cites: Sequence[str] = ()) -> Callable[[F], F]:
        """Decorator: register a function or class under ``name``.

        Args:
            name: unique among its kind.
            cites: its sources, keys of ``qhu/record/references.bib`` or whole BibTeX entries.
        """
        return lambda make: self._register(make, Entry(name, make, _options_of(make), tuple(cites)))


class MetricRegistry(Names[MetricFunction, MetricEntry]):
    """Names of metrics, each with how its scores are read."""

    def __call__(
        self,
        name: str,
        *,
        reads: Reading | Mapping[str, Reading] | None = None,
        cites: Sequence[str] = (),
        on_request: bool = False,
    ) -> Callable[[MetricFunction], MetricFunction]:
        """Decorator: register a function from ``Evidence`` to scores under ``name``.

        Args:
            name: unique among metrics.
            reads: how its scores are read: one reading for scores that are called ``name``, with or
                without the suffix of their subset, or readings by the names of the scores.
            cites: its sources, keys of ``qhu/record/references.bib`` or whole BibTeX entries.
            on_request: whether only experiments that name it get it.

        Raises:
            UserError: ``reads`` is missing.
        """

        def register(make: MetricFunction) -> MetricFunction:
            if not reads:
                raise UserError(
                    f"metric '{name}' of {make.__module__} does not say how it is read: give its "
                    "decorator reads=qhu.Reading(title='…', against='retrain'), or 'floor' for a "
                    "distance to the oracle"
                )
            readings = {name: reads} if isinstance(reads, Reading) else dict(reads)
            refuse_names(readings, f"scores of metric '{name}' of {make.__module__}")
            entry = MetricEntry(name, make, _options_of(make), tuple(cites), readings, on_request)
            return self._register(make, entry)

        return register

    def chosen(self, names: Sequence[str] = ()) -> list[str]:
        """The metrics named; where none is, all registered ones but those on request."""
        return list(names) or [name for name in self.names() if not self[name].on_request]


def _options_of(make: Callable[..., Any]) -> type[Options]:
    function = make.__init__ if inspect.isclass(make) else make
    annotated = get_type_hints(function).get("options", Options)
    return annotated if inspect.isclass(annotated) and issubclass(annotated, Options) else Options
