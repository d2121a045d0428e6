"""What holds a method back: the groups that the paper's claims tell apart.

The paper speaks of unconstrained gradient methods, and of methods that are constrained by
architecture, by regularisation or by a certificate, and lists none. Here a method belongs where its
own description puts it: what it climbs or descends, what part of θ it moves, and what it pays for.
"""

from typing import Literal

Group = Literal["free", "architecture", "regularised", "relabelled", "direct", "reference"]
"""``free``: climbs the loss of the forget rows with all of θ, and nothing holds the network.
``architecture``: moves only a part of θ. ``regularised``: pays for leaving the teacher, moves where
the retain rows do not, or is clipped and drowned in noise for a certificate. ``relabelled``: descends on other targets for the
forget rows. ``direct``: one edit of θ, at most with fine-tuning behind. ``reference``: no unlearning of the teacher, or
training on the retain rows alone."""
GROUPS: dict[str, Group] = {
    "none": "reference",
    "retrain": "reference",
    "finetune": "reference",
    "gradient_ascent": "free",
    "neggrad_plus": "free",
    "cf_k": "architecture",
    "eu_k": "architecture",
    "ewc_ascent": "regularised",
    "scrub": "regularised",
    "scrub_rewind": "regularised",
    "noisy_finetune": "regularised",
    "random_label": "relabelled",
    "qmul": "relabelled",
    "lca": "relabelled",
    "adv_uniform": "relabelled",
    "salun": "architecture",
    "bad_teacher": "relabelled",
    "fisher_forgetting": "direct",
    "ssd": "direct",
    "influence": "direct",
    "qfi_dampening": "direct",
    "parameter_noise": "direct",
    "null_space_ascent": "regularised",
    "natural_gradient": "regularised",
    "entanglement_pruning": "architecture",
}
"""By registered name; a test holds it whole against the registry."""
CONSTRAINED: tuple[Group, ...] = ("architecture", "regularised")


def constrained(methods: list[str]) -> list[str]:
    """Those that are held by architecture, regularisation or a certificate."""
    return [method for method in methods if GROUPS.get(method) in CONSTRAINED]


def free(methods: list[str]) -> list[str]:
    """Those that climb the forget loss with nothing to hold them."""
    return [method for method in methods if GROUPS.get(method) == "free"]
