"""Benchmarks lie beside the package and are not installed with it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
