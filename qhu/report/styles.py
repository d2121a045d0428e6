"""One colour and marker per method, and the words for metrics: the same in every figure."""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

HONEST = ("none", "retrain", "floor")
"""Rows that every other is read against, always shown first."""

# Okabe and Ito's colours, without yellow (too pale on white) and black (kept for the oracle).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^")
PLUGIN_MARKERS = ("D", "v", "p", "h")
METHODS = (
    "finetune",
    "random_label",
    "gradient_ascent",
    "neggrad_plus",
    "fisher_forgetting",
    "ewc_ascent",
    "cf_k",
    "eu_k",
    "scrub",
    "scrub_rewind",
    "noisy_finetune",
    "qmul",
    "lca",
    "adv_uniform",
)


class Style(NamedTuple):
    """How a method is drawn."""

    colour: str
    marker: str


FIXED = {"none": Style("#666666", "X"), "retrain": Style("#000000", "*")}
FIXED["floor"] = Style("#999999", "P")

TITLES = {
    "acc": "accuracy",
    "delta_acc": "accuracy − oracle's",
    "kl": "KL to the oracle (nats)",
    "js": "JS to the oracle (nats)",
    "agree": "agreement with the oracle",
    "cka": "CKA with the oracle",
    "dist": "distance to the oracle",
    "mia": "attack AUC",
    "delta_mia": "attack AUC − oracle's",
    "mia_gap": "|attack AUC − oracle's|",
}
SUBSETS = {
    "retain": "retain rows",
    "forget": "forget rows",
    "test": "test rows",
    "test_kept": "test rows, kept classes",
    "test_forgotten": "test rows, forgotten class",
    "theta": "θ",
}
TO_ORACLE = ("delta_acc", "kl", "js", "agree", "cka", "dist", "delta_mia", "mia_gap")
"""Families that compare with the oracle: its own row says nothing, the floor row everything."""


def style(method: str) -> Style:
    """The method's own colour and marker; a name that is not built in gets them by its hash."""
    if method in FIXED:
        return FIXED[method]
    if method in METHODS:
        number = METHODS.index(method)
        return Style(COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS)])
    number = zlib.crc32(method.encode())
    colour = COLOURS[number % len(COLOURS)]
    return Style(colour, PLUGIN_MARKERS[number // len(COLOURS) % len(PLUGIN_MARKERS)])


def in_order(methods: Iterable[str]) -> list[str]:
    """Distinct methods, the honest rows first, the others as they come."""
    distinct = list(dict.fromkeys(methods))
    return [m for m in HONEST if m in distinct] + [m for m in distinct if m not in HONEST]


def family(metric: str) -> tuple[str, str]:
    """A metric's family and subset: ``delta_acc_test`` is ``delta_acc`` on ``test``."""
    for subset in sorted(SUBSETS, key=len, reverse=True):
        if metric.endswith(f"_{subset}"):
            return metric.removesuffix(f"_{subset}"), subset
    return metric, ""


def title(metric: str) -> str:
    """A metric in words; an unknown one keeps its name."""
    name, subset = family(metric)
    return f"{TITLES[name]}, {SUBSETS[subset]}" if name in TITLES and subset else metric


def reference(metric: str) -> str:
    """The row that a metric is read against: the oracle, or the floor of distances to it."""
    return "floor" if family(metric)[0] in TO_ORACLE else "retrain"
