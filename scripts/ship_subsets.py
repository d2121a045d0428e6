"""Build the image subsets that ship with qhu from folders of IDX files.

python scripts/ship_subsets.py mnist=FOLDER fashion_mnist=FOLDER
"""

import sys
from pathlib import Path

import numpy as np

from qhu.data.idx import read_folder
from qhu.data.mnist import content_hash, shipped
from qhu.data.subset import balanced_rows

PER_CLASS = {"mnist": 200, "fashion_mnist": 800}


def main() -> None:
    """Write one archive per argument ``name=folder``; print the hash of the full set."""
    for argument in sys.argv[1:]:
        name, _, folder = argument.partition("=")
        x, y = read_folder(Path(folder))
        rows = balanced_rows(y, PER_CLASS[name])
        np.savez_compressed(shipped(name), x=x[rows], y=y[rows])
        size = shipped(name).stat().st_size / 1e6
        print(f"{shipped(name).name}: {len(rows)} images, {size:.2f} MB; all: {content_hash(x, y)}")


if __name__ == "__main__":
    main()
