"""Which figures of the evidence stand in which table of the page."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

NO_ATTACKS = ("distribution", "utility", "bound", "relearning", "reconstruction")
"""What ``attack`` says of figures that no scores of single rows are behind."""
REQUEST = "request "
"""Begins the tiers of deletions that follow each other."""
Mask = pd.Series
"""One bool per row of the evidence."""


class Group(NamedTuple):
    """A table of the page: its title, how it is read, and which figures it shows.

    ``chosen`` gets a scenario's rows and the name of the declared attack; ``flagged``: whether the
    strongest figure of each method is marked.
    """

    title: str
    hint: str
    chosen: Callable[[pd.DataFrame, str], Mask]
    flagged: bool = False


def attacks(rows: pd.DataFrame) -> Mask:
    """Figures of attacks that score single rows."""
    return ~rows["attack"].isin(NO_ATTACKS)


def requests(rows: pd.DataFrame) -> Mask:
    """Figures after each of several deletions."""
    return rows["tier"].str.fullmatch(rf"{REQUEST}\d+")


def _of_attacks(rows: pd.DataFrame, metric: str) -> Mask:
    return attacks(rows) & (rows["tier"] == "forget") & rows["metric"].str.fullmatch(metric)


def _declared(rows: pd.DataFrame, primary: str) -> Mask:
    return (rows["attack"] == primary) & (rows["metric"] == "auc") & ~requests(rows)


def _tiers(rows: pd.DataFrame, primary: str) -> Mask:
    declared = _declared(rows, primary)
    several = rows.loc[declared, "tier"].nunique() > 1
    return declared if several else declared & False


def _bounds(rows: pd.DataFrame, primary: str) -> Mask:
    bound = rows["attack"] == "bound"
    if not bound.any():
        return bound
    return bound | (_declared(rows, primary) & (rows["tier"] == "forget"))


def _membership(rows: pd.DataFrame, _: str) -> Mask:
    return rows["metric"].str.fullmatch("(auc|margin)_membership|delta_margin")


def _utility(rows: pd.DataFrame, primary: str) -> Mask:
    return (rows["attack"] == "utility") & ~_membership(rows, primary)


def _kind(name: str) -> Callable[[pd.DataFrame, str], Mask]:
    return lambda rows, _: rows["attack"] == name


GROUPS = (
    Group(
        "Attacks on the forget rows",
        "AUC of telling models that were trained on a row and made to forget it from models that "
        "never were; 0.5 tells nothing, and the row retrain is what a second retraining has. "
        "Marked is the strongest attack on each method: found by looking at all of them, so no "
        "verdict rests on it.",
        lambda rows, _: _of_attacks(rows, "auc"),
        flagged=True,
    ),
    Group(
        "What is left of the rows",
        "The declared attack between models that unlearned a row and models that went through the "
        "same method and never saw it, and how much surer the former are of the row: what differs "
        "there is about the row alone.",
        _membership,
    ),
    Group(
        "Rows recognised at few false accusations",
        "An average can hide a few rows that are known for certain: the share of rows recognised "
        "while 1 % or 0.1 % of those never trained on are accused, with its Clopper–Pearson "
        "interval.",
        lambda rows, _: _of_attacks(rows, "tpr_.*"),
    ),
    Group(
        "Easy rows, hard rows, neighbours",
        "AUC of the declared attack by thirds of memorisation, and on retain rows, which "
        "unlearning can expose. Retain rows were trained on: read them against the row retrain, "
        "not 0.5.",
        _tiers,
    ),
    Group(
        "Distributions of outputs",
        "How far the outputs of unlearned models are from those of oracles; a floor is how far "
        "oracles are from each other.",
        _kind("distribution"),
    ),
    Group(
        "Upper bounds beside the attack",
        "Who gets one copy of the quantum state of a forget row, and nothing else of the model, "
        "reaches no higher AUC than the bound, whatever is measured. The declared attack, beside "
        "it, reads logits, which stand for any number of copies, and is not held by it.",
        _bounds,
    ),
    Group("Utility", "What the network still does, beside the oracle.", _utility),
    Group(
        "Learning the rows again",
        "A model that still knows the rows learns them again in fewer steps than an oracle.",
        _kind("relearning"),
    ),
    Group(
        "Reconstruction",
        "How much of a forget row can be read out of the models before and after.",
        _kind("reconstruction"),
    ),
)


def drift(rows: pd.DataFrame, primary: str) -> Mask:
    """The declared attack after each of several deletions: drawn, not in a table."""
    return (rows["attack"] == primary) & (rows["metric"] == "auc") & requests(rows)


def partition(rows: pd.DataFrame, primary: str) -> list[tuple[Group, pd.DataFrame]]:
    """Every group with the figures it shows, where there are any; the last has all others.

    Args:
        rows: figures of one scenario.
        primary: name of the declared attack.
    """
    masks = [group.chosen(rows, primary) for group in GROUPS]
    shown = pd.concat([*masks, drift(rows, primary)], axis=1).any(axis=1)
    others = Group("Every other figure", "", lambda *_: ~shown)
    parts = [(group, rows[mask]) for group, mask in zip(GROUPS, masks, strict=True)]
    return [(group, chosen) for group, chosen in (*parts, (others, rows[~shown])) if len(chosen)]
