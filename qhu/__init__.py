"""qhu: did a hybrid quantum-classical network really forget?

The names below are loaded when they are first used: ``import qhu`` itself takes no time.
"""

from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qhu.api import ablate as ablate
    from qhu.api import compare as compare
    from qhu.api import evaluate as evaluate
    from qhu.api import load as load
    from qhu.api import network as network
    from qhu.api import pack as pack
    from qhu.api import partition as partition
    from qhu.api import run as run
    from qhu.backends.base import Backend as Backend
    from qhu.data.base import Dataset as Dataset
    from qhu.engine.connector import engine_layer as engine_layer
    from qhu.engine.estimator import EngineEstimator as EngineEstimator
    from qhu.engine.estimator import EngineGradient as EngineGradient
    from qhu.errors import QhuError as QhuError
    from qhu.errors import UserError as UserError
    from qhu.estimators.noisy import NoisyEstimator as NoisyEstimator
    from qhu.evidence.game import Game as Game
    from qhu.metrics.evidence import Evidence as Evidence
    from qhu.metrics.evidence import Measured as Measured
    from qhu.model.encodings.base import Encoding as Encoding
    from qhu.model.encodings.base import Reuploadable as Reuploadable
    from qhu.record.scores import Reading as Reading
    from qhu.registry import Options as Options
    from qhu.registry import ansatz as ansatz
    from qhu.registry import attack as attack
    from qhu.registry import backend as backend
    from qhu.registry import dataset as dataset
    from qhu.registry import encoding as encoding
    from qhu.registry import front as front
    from qhu.registry import head as head
    from qhu.registry import method as method
    from qhu.registry import metric as metric
    from qhu.registry import observables as observables
    from qhu.report.notebook.folders import Ablation as Ablation
    from qhu.report.notebook.folders import Comparison as Comparison
    from qhu.report.notebook.run import Run as Run
    from qhu.settings.experiment import Experiment as Experiment
    from qhu.unlearn.learner import Learner as Learner
    from qhu.unlearn.task import MethodOptions as MethodOptions
    from qhu.unlearn.task import Task as Task

HOME = {
    "api": ("ablate", "compare", "evaluate", "load", "network", "pack", "partition", "run"),
    "backends.base": ("Backend",),
    "data.base": ("Dataset",),
    "engine.connector": ("engine_layer",),
    "engine.estimator": ("EngineEstimator", "EngineGradient"),
    "errors": ("QhuError", "UserError"),
    "estimators.noisy": ("NoisyEstimator",),
    "evidence.game": ("Game",),
    "metrics.evidence": ("Evidence", "Measured"),
    "model.encodings.base": ("Encoding", "Reuploadable"),
    "record.scores": ("Reading",),
    "registry": (
        *("Options", "ansatz", "attack", "backend", "dataset", "encoding"),
        *("front", "head", "method", "metric", "observables"),
    ),
    "report.notebook.folders": ("Ablation", "Comparison"),
    "report.notebook.run": ("Run",),
    "settings.experiment": ("Experiment",),
    "unlearn.learner": ("Learner",),
    "unlearn.task": ("MethodOptions", "Task"),
}
"""Public names by the module that defines them."""
_MODULE = {name: f"qhu.{module}" for module, names in HOME.items() for name in names}

__version__ = version("qhu")
__all__ = ["__version__", *_MODULE]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'qhu' has no attribute '{name}'")
    return getattr(import_module(_MODULE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class CalledPackage(ModuleType):
    """A package that shares its name with a function of :mod:`qhu.api`, and is called as it.

    Whoever imports a part of ``qhu.compare`` binds that name to the package.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    @property
    def _function(self) -> Any:
        return getattr(import_module("qhu.api"), self.__name__.rpartition(".")[2])

    @property
    def __wrapped__(self) -> Any:
        """What ``help`` and a notebook's tooltip take the arguments from."""
        return self._function

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)
