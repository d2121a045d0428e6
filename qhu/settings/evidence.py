"""Settings of the evidence: how many models, which attacks, what counts as equal."""

from pydantic import Field, field_validator

from qhu import registry
from qhu.record.naming import Name
from qhu.registry import Options


class EvidenceSpec(Options):
    """The section ``evidence`` of an experiment file, which ``qhu evidence`` reads."""

    models: int = Field(256, ge=8, le=1_000_000, multiple_of=2)
    """networks of the pool, each trained on a random half of the training rows; halves come in
    complementary pairs, and a pair is what statistics count"""
    fewer: dict[Name, int] = {}
    """scenarios of which only the first so many networks are unlearned, such as long sequences"""
    seed: int = Field(0, ge=0, lt=2**63)
    """root seed: of the split, the forget sets, the halves and all training"""
    attacks: tuple[str, ...] = Field((), json_schema_extra={"registered": "attacks"})
    """attacks to run; empty: all registered ones"""
    bank: int = Field(64, ge=0, le=1_000_000)
    """models of every kind in the bank that metrics are examined with, 8 or more; 0: they are not
    examined"""
    examined: Name | None = None
    """scenario whose rows the models of the bank hold or lack; null: the first"""
    margin: float = Field(0.05, gt=0, lt=0.5)
    """what an attack's AUC may differ from 0.5 by and still count as 0.5"""
    utility_margin: float = Field(0.02, gt=0, lt=1)
    """what the accuracy on test rows may differ from the oracle's by and still count as equal"""

    @field_validator("attacks")
    @classmethod
    def _known_attacks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            registry.attack[name]
        return names

    @field_validator("bank")
    @classmethod
    def _enough(cls, count: int) -> int:
        if 0 < count < 8:
            raise ValueError("a bank needs 8 models of every kind or more, or 0 for none")
        return count

    @field_validator("fewer")
    @classmethod
    def _in_pairs(cls, fewer: dict[str, int]) -> dict[str, int]:
        if odd := [name for name, count in fewer.items() if count < 8 or count % 2]:
            raise ValueError(f"fewer.{odd[0]} must be an even number of networks, 8 or more")
        return fewer
