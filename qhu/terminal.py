"""Output that no terminal can refuse: it never ends a run that has its results."""

import contextlib
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path


@contextlib.contextmanager
def lenient_output() -> Iterator[None]:
    """Within the block, characters that standard output has not are shown as question marks.

    A script or a locale may give it ASCII or Latin-1, and labels, paths and numbers hold more.
    Where there is no standard output at all, nothing is shown.
    """
    with contextlib.ExitStack() as restored:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:
                opened = restored.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                setattr(sys, name, opened)
                restored.callback(setattr, sys, name, None)
            elif isinstance(stream, TextIOWrapper):
                restored.callback(stream.reconfigure, errors=stream.errors)
                stream.reconfigure(errors="replace")
        yield
