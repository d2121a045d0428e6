"""What a metric sees, and the metrics.

``qhu.evaluate(…)`` is :func:`qhu.api.evaluate`: the function has the name of this package, which
Python puts in its place wherever a metric is imported, so the package can be called.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """This package."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return import_module("qhu.api").evaluate(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
