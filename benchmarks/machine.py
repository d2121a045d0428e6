"""What the numbers were taken on, and how fast it multiplies and copies."""

import functools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

CACHE, MEMORY = 2**20, 2**28
"""Bytes of a copy that stays in the cache, and of one that does not."""


def describe(threads: int) -> dict[str, Any]:
    """Processor, threads, versions, measured rates, and how busy the machine was before."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "product_gflops": round(product_rate(), 1),
        "cache_gb_per_s": round(copy_rate(CACHE), 1),
        "memory_gb_per_s": round(copy_rate(MEMORY), 1),
    }


@functools.cache
def product_rate(size: int = 768) -> float:
    """Rate of a single-precision matrix product, 10⁹ real operations per second."""
    a = torch.rand(size, size)
    return 2 * size**3 / _best(lambda: a @ a) / 1e9


def copy_rate(size: float) -> float:
    """Rate of a copy of so many bytes, read and written: that of the cache or of the memory."""
    return _copy_rate(CACHE if size <= 2**24 else MEMORY)


@functools.cache
def _copy_rate(size: int) -> float:
    a, b = torch.rand(size // 8), torch.empty(size // 8)
    return size / _best(lambda: b.copy_(a)) / 1e9


def _best(work: Callable[[], Any], repeat: int = 30) -> float:
    """Shortest time in seconds, with all threads or with one: small work is faster with one."""
    threads, times = torch.get_num_threads(), []
    for count in {1, threads}:
        torch.set_num_threads(count)
        for _ in range(repeat):
            begun = time.perf_counter()
            work()
            times.append(time.perf_counter() - begun)
    torch.set_num_threads(threads)
    return min(times)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
