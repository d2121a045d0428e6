"""Counts in words."""


def count_of(number: int, noun: str) -> str:
    """Such as ``1 seed`` and ``1,000 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
