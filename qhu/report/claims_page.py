"""x"""

from pathlib import Path


def write_claims(folder: Path) -> Path:
    """x"""
    return folder / "claims.html"
