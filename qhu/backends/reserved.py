"""Names of ``backends.yaml`` that stand for something already: a kind, a twin, a device."""

from typing import Any

from qhu import registry
from qhu.errors import UserError, brief


def check_entry(name: str, options: dict[str, Any], where: str) -> None:
    """Refuse an entry that would put another backend behind a name that stands for one.

    Args:
        name: of the entry.
        options: of the entry, its ``kind`` among them.
        where: the file, for messages.

    Raises:
        UserError: its name is a kind's, a twin's or a device's, and it is no such backend; or its
            kind is missing or no kind.
    """
    kind, device = options.get("kind", name), options.get("device")
    stands_for = _stands_for(name, kind, device)
    if stands_for:
        raise UserError(
            f"{where}: the entry '{name}' is something else, and the name stands for {stands_for}: "
            "choose another name"
        )
    if not isinstance(kind, str):
        raise UserError(f"{where}: the entry '{name}': kind must be a name (got {brief(kind)})")
    if kind not in registry.backend.names():
        if "kind" not in options:
            kinds = ", ".join(registry.backend.names())
            raise UserError(f"{where}: the entry '{name}' must give its kind: one of {kinds}")
        try:
            registry.backend[kind]
        except UserError as error:
            raise error.at(f"{where}: the entry '{name}'") from None


def _stands_for(name: str, kind: Any, device: Any) -> str:
    """What a name stands for where an entry is something else; empty where it is that or free."""
    common, kinds = name.lower(), [kind_name.lower() for kind_name in registry.backend.names()]
    if common in kinds:
        return "" if name == kind else f"the kind of backends '{common}'"
    if common == "auto":
        fits = name == "auto" and kind == "ibm" and device in (None, "auto")
        return "" if fits else "the device of your account that suits the circuit best"
    if common.startswith("ibm_"):
        fits = kind == "ibm" and device in (None, name)
        return "" if fits else f"the device {common}"
    if common.startswith("fake_"):
        twin = f"fake_{str(device).removeprefix('fake_').removeprefix('ibm_')}"
        fits = kind == "aer" and (name == twin or name.startswith(f"{twin}_"))
        return "" if fits else f"the noisy twin {common}"
    return ""
