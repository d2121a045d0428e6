"""One root seed, many independent named streams.

A stream depends only on the root seed and its name, never on which other streams were drawn, so
any method can be run alone, in any order, on any worker, with the same numbers.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_sequence(root: int, *name: object) -> np.random.SeedSequence:
    """Seed sequence of the stream ``name`` under the non-negative root seed."""
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return np.random.SeedSequence(entropy=root, spawn_key=tuple(int(w) for w in words))


def numpy_stream(root: int, *name: object) -> np.random.Generator:
    """NumPy generator of the stream ``name``."""
    return np.random.default_rng(seed_sequence(root, *name))


def torch_stream(root: int, *name: object) -> "torch.Generator":
    """Torch CPU generator of the stream ``name``."""
    import torch

    state = int(seed_sequence(root, *name).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state & (2**63 - 1))
