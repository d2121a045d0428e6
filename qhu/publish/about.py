"""What an archive says of itself: a text to read, and the description that Zenodo takes."""

import json
import re
from collections.abc import Sequence
from html import escape
from importlib.metadata import distribution, version

from pydantic import Field, field_validator

from qhu.errors import shortened
from qhu.publish.contents import Packed
from qhu.registry import Options

PAPER = "2512.19253"
"""arXiv number of the study that qhu began with."""
KEYWORDS = ("machine unlearning", "quantum machine learning", "hybrid quantum-classical networks")
_CREATOR = re.compile(r"[^,;]+, [^,;]+(; [0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])?")


class About(Options):
    """What whoever publishes an archive says of it."""

    title: str = Field("", max_length=250)
    """empty: by the names of the runs"""
    creators: tuple[str, ...] = ()
    """``Family, Given`` each, with an ORCID behind a semicolon or none; empty: left to whoever
    uploads"""
    licence: str = Field("cc-by-4.0", pattern=r"^[a-z0-9][a-z0-9.+-]*$")
    """SPDX identifier, in small letters, of the licence that the archive is published under"""

    @field_validator("creators")
    @classmethod
    def _are_names(cls, creators: tuple[str, ...]) -> tuple[str, ...]:
        for creator in creators:
            if not _CREATOR.fullmatch(creator):
                raise ValueError(
                    f"write a creator as 'Family, Given' or 'Family, Given; 0000-0002-1825-0097' "
                    f"(got '{creator}')"
                )
        return creators


def about_files(about: About, packed: Sequence[Packed]) -> dict[str, bytes]:
    """Name and content of what stands beside the folders of an archive."""
    names = ", ".join(folder.name for folder in packed)
    title = about.title or shortened(f"Machine unlearning runs: {names}", 250)
    texts = {
        "README.txt": _readme(title, about, packed),
        ".zenodo.json": _zenodo(title, about, packed),
        "NOTICE.txt": distribution("qhu").read_text("licenses/NOTICE") or "",
    }
    if about.creators:
        texts["CITATION.cff"] = _citation(title, about)
    return {name: text.encode() for name, text in texts.items() if text}


def _lines(packed: Sequence[Packed]) -> list[str]:
    """A line per folder, and per run in it."""
    lines = []
    for folder in packed:
        lines.append(f"{folder.name}: {len(folder.files)} files")
        for run in folder.records:
            made = run.environment.get("packages", {}).get("qhu", "of an unknown version")
            state = "" if run.status == "finished" else f", {run.status.upper()}"
            lines.append(f"  {run.name} on {run.backend}, {run.fingerprint}, by qhu {made}{state}")
    return lines


def _readme(title: str, about: About, packed: Sequence[Packed]) -> str:
    folders = "\n".join(_lines(packed))
    return f"""{title}
{"=" * min(len(title), 79)}

Runs of qhu, an experiment framework for machine unlearning in hybrid
quantum-classical networks. Each page (*.html) opens offline in any browser.

{folders}

Check that every file is what was packed:

    sha256sum -c SHA256SUMS

Write a run's page, figures and tables anew, or compare two runs of the same
models, with qhu {version("qhu")} on any machine; neither needs that of the runs:

    qhu report FOLDER
    qhu compare FOLDER FOLDER

run.json holds versions, options and checksums; experiment.yaml the settings,
which qhu run takes; results.csv every value; models/ the weights;
references.bib what to cite. Paths of the machine were cut to their last part:
who repeats a run on a file of data sets data.options.path again.

Licence of these files: {about.licence}. Data of others, and their terms:
NOTICE.txt. Related: arXiv {PAPER}.
"""


def _zenodo(title: str, about: About, packed: Sequence[Packed]) -> str:
    lines = "".join(f"<li>{escape(line.strip())}</li>" for line in _lines(packed))
    document = {
        "title": title,
        "upload_type": "dataset",
        "description": f"<p>Runs of qhu {version('qhu')}, an experiment framework for machine "
        "unlearning in hybrid quantum-classical networks: settings, results, models, predictions, "
        f"figures and pages.</p><ul>{lines}</ul>",
        "access_right": "open",
        "license": about.licence,
        "keywords": list(KEYWORDS),
        "related_identifiers": [{"identifier": f"arXiv:{PAPER}", "relation": "references"}],
    }
    if about.creators:
        document["creators"] = [_creator(creator) for creator in about.creators]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _creator(text: str) -> dict[str, str]:
    name, _, orcid = text.partition("; ")
    return {"name": name, **({"orcid": orcid} if orcid else {})}


def _citation(title: str, about: About) -> str:
    """A citation file, whose text is JSON's, which is YAML's, too."""
    lines = ["cff-version: 1.2.0", "message: Please cite this data as below.", "type: dataset"]
    lines += [f"title: {json.dumps(title, ensure_ascii=False)}", "authors:"]
    for creator in about.creators:
        name, _, orcid = creator.partition("; ")
        family, _, given = (json.dumps(part, ensure_ascii=False) for part in name.partition(", "))
        lines += [f"  - family-names: {family}", f"    given-names: {given}"]
        lines += [f"    orcid: https://orcid.org/{orcid}"] if orcid else []
    return "\n".join(lines) + "\n"
