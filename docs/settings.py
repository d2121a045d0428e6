"""The page of settings: a directive per setting, from the models that check it."""

from collections.abc import Iterable, Iterator

from qhu.settings.reference import SettingEntry, options_of, settings_reference

BACKENDS = "An entry per name: its `kind`, and options of that kind ([backends](backends.md))."


def listed() -> str:
    """All settings of an experiment file, a heading per section, and those of ``backends.yaml``."""
    entries = settings_reference()
    top = [entry for entry in entries if "." not in entry.name]
    single = [entry for entry in top if "section" not in entry.kind]
    parts = ["## The experiment", *_directives(single)]
    for section in (entry for entry in top if entry not in single):
        inside = [entry for entry in entries if entry.name.startswith(f"{section.name}.")]
        parts += [f"## {section.name}", section.meaning, *_directives(inside)]
    return "\n\n".join(
        [*parts, "## backends.yaml", BACKENDS, *_directives(options_of("backends", "NAME."))]
    )


def _directives(entries: Iterable[SettingEntry]) -> Iterator[str]:
    """A directive each; the first of a name is what links and the index lead to."""
    seen = set[str]()
    for entry in entries:
        lines = [
            f"````{{confval}} {entry.name}",
            f":type: {entry.kind}{f' ({entry.allowed})' if entry.allowed else ''}",
            *([f":default: `{entry.default}`"] if entry.default else []),
            *([":no-index:"] if entry.name in seen else []),
            f"\n{f'Of `{entry.of}`: ' if entry.of else ''}{entry.meaning}\n````",
        ]
        seen.add(entry.name)
        yield "\n".join(lines)
