"""Models that were unlearned elsewhere, as an experiment names them."""

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from qhu import registry
from qhu.record.naming import Name, distinct
from qhu.registry import Options


class Checkpoint(Options):
    """One model: what it holds, and the file that it came from."""

    content: str = Field(pattern="^[0-9a-f]{16}$")
    """digest of its tensors, under which the store keeps it"""
    file: str | None = Field(None, max_length=200)
    """name of its file; null: it was handed over in Python"""
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    """checksum of the file"""
    stage: str | None = None
    """key of the stage that it is, where a run of qhu wrote it"""


Checkpoints = dict[Name, dict[Name, dict[Annotated[int, Field(ge=0, lt=2**63)], Checkpoint]]]
"""Models by label, scenario and seed."""


def check_labels(labels: Collection[str], methods: Collection[str], taken: Collection[str]) -> None:
    """Refuse labels under which a model from elsewhere would be taken for one of qhu's own.

    Args:
        labels: of models that were unlearned elsewhere.
        methods: labels of the experiment's methods.
        taken: labels of models that are trained from scratch.

    Raises:
        ValueError: one is taken.
    """
    distinct([*methods, *labels])
    reasons: Mapping[str, Collection[str]] = {
        "a model trained from scratch": taken,
        "a method of the experiment": methods,
        "a registered method": registry.method.names(),
    }
    for label in labels:
        for owner, names in reasons.items():
            if label.lower() in map(str.lower, names):
                raise ValueError(f"the label '{label}' is that of {owner}: choose another name")
