"""Another default, formula, plugin, data set, option or version is another key; prose is not."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import qhu
from qhu.backends.statevector import StatevectorBackend
from qhu.registry import Options

SCRIPT = Path(__file__).with_name("keys_of.py")
EXPERIMENT = {
    "name": "tiny",
    "data": {"source": "file:m.csv"},
    "scenarios": {"subset": {"fraction": 0.1}},
    "methods": ["finetune", "mine"],
    "metrics": ["acc"],
    "seeds": 0,
    "stages": {"evaluate": "shots"},
}
PLUGIN = '''
import json
from pathlib import Path

import margins
from qhu import MethodOptions, method

SHARE = json.loads(Path(__file__).with_name("share.json").read_text())

class Options(MethodOptions):
    strength: float = 0.5

@method("mine")
def mine(student, task, options: Options):
    """Mine."""
    return {"share": margins.margin(SHARE) * options.strength}
'''
SITE = {
    "plug.py": PLUGIN,
    "share.json": "[1]",
    "margins.py": "def margin(x): return x",
    "plug-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n",
    "plug-1.0.dist-info/entry_points.txt": "[qhu.methods]\nmine = plug\n",
}
KEYS = ("fit", "unlearn finetune", "unlearn mine", "outputs")
STAGES = {*KEYS, "finished"}
MINE = {"unlearn mine", "fingerprint", "finished"}
EVALUATION = {"outputs", "fingerprint", "finished"}
TORCH = "Name: torch\nVersion: 1\n"
CODE = ("", "\n\nEXTRA = 1\n")
EPOCHS = ("code/qhu/settings/parts.py", "epochs: int = Field(60", "epochs: int = Field(30")
TIMES = ("code/qhu/backends/aer.py", "= (60.0, 660.0)", "= (60.0, 661.0)")
PROSE = [
    ("code/qhu/cli/studies.py", *CODE),
    ("code/qhu/commands/jobs.py", *CODE),
    ("code/qhu/emulator/queue.py", *CODE),
    ("code/qhu/report/paper/page.py", *CODE),
    ("code/qhu/training.py", '"""', '"""Yes: '),
    ("code/qhu/pipeline.py", "", "\n# Why.\n"),
    ("code/qhu/study.py", "\n", "\r\n"),
    ("site/plug.py", "Mine.", "Ours."),
]
EDITS = {
    "a default of the training": ([EPOCHS], {*STAGES, "fingerprint"}),
    "a default of the noise": ([TIMES], {*STAGES, "fingerprint"}),
    "the training": ([("code/qhu/training.py", *CODE)], STAGES),
    "a metric": ([("code/qhu/metrics/utility.py", *CODE)], STAGES),
    "what is trained as one stack": ([("code/qhu/grid/steps.py", *CODE)], STAGES),
    "a module in a folder below": ([("code/qhu/engine/deep/inner.py", *CODE)], STAGES),
    "the plugin": ([("site/plug.py", "margin(SHARE) *", "margin(SHARE) +")], MINE),
    "a default of the plugin": ([("site/plug.py", "= 0.5", "= 0.25")], MINE),
    "a module beside the plugin": ([("site/margins.py", "return x", "return 2 * x")], MINE),
    "a data file beside the plugin": ([("site/share.json", "1", "2")], MINE),
    "a row of the data": ([("m.csv", "0.5,", "0.25,")], STAGES),
    "an option of the backend": ([("backends.yaml", "64", "65")], EVALUATION),
    "the version of torch": ([("site/torch-1.dist-info/METADATA", "", TORCH)], STAGES),
    "the intervals": ([("code/qhu/report/statistics.py", *CODE)], {"finished"}),
    "a template": ([("code/qhu/report/page.html.jinja", *CODE)], {"finished"}),
    "a reference": ([("code/qhu/record/references.bib", *CODE)], {"finished"}),
    "prose, and what only shows": (PROSE, set()),
}


def write(work: Path) -> None:
    """Code, plugin, data and settings that a case may edit."""
    ignored = shutil.ignore_patterns("*.npz", "__pycache__")
    shutil.copytree(Path(qhu.__file__).parent, work / "code" / "qhu", ignore=ignored)
    (work / "code/qhu/engine/deep").mkdir()
    (work / "code/qhu/engine/deep/__init__.py").write_text("")
    (work / "code/qhu/engine/deep/inner.py").write_text("VALUE = 1\n")
    with (work / "code/qhu/training.py").open("a") as file:
        file.write(
            "\n\ndef later():\n    from .engine.deep.inner import VALUE\n\n    return VALUE\n"
        )
    for name, text in SITE.items():
        (work / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "site" / name).write_text(text)
    rows = [f"{0.5 + row % 7},{row % 5},{row % 2}" for row in range(60)]
    (work / "m.csv").write_text("\n".join(["a,b,y", *rows]))
    (work / "experiment.yaml").write_text(yaml.safe_dump(EXPERIMENT))
    shots = {"kind": "aer", "depolarizing": [0.01, 0.01], "shots": 64}
    (work / "backends.yaml").write_text(yaml.safe_dump({"shots": shots}))


def edit(work: Path, name: str, old: str, new: str) -> None:
    """Replace a text once, of line endings all; or append one."""
    file = work / name
    file.parent.mkdir(exist_ok=True)
    text = file.read_bytes().decode() if file.exists() else ""
    assert old in text
    changed = text.replace(old, new, -1 if old == "\n" else 1) if old else text + new
    file.write_bytes(changed.encode())


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The keys before and after each edit, and what each edit changes."""
    root = tmp_path_factory.mktemp("copies")
    write(root / "whole")
    works = [root / "whole"]
    for number, edits in enumerate([[], *(how for how, _ in EDITS.values())]):
        works.append(root / str(number))
        shutil.copytree(root / "whole", works[-1])
        for change in edits:
            edit(works[-1], *change)
        (works[-1] / "run").symlink_to(root / "whole" / "run")  # which the first case fills
    command = [sys.executable, SCRIPT, *works]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    errors = [case["error"] for case in said if "error" in case]
    assert not errors, errors[0]
    return said


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


def test_the_same_files_elsewhere_have_the_same_keys(answers):
    whole, again, *_ = answers
    assert whole["finished"]
    assert changed(whole, again) == set()
    assert len({whole[key] for key in (*KEYS, "fingerprint")}) == 5


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_changes_what_depends_on_it(answers, what):
    whole, _, *edited = answers
    assert changed(whole, edited[list(EDITS).index(what)]) == EDITS[what][1]


def test_backends_of_one_name_and_other_places_are_others():
    """Two plugins may call their classes alike."""
    kinds = [type("Faded", (StatevectorBackend,), {"__module__": name}) for name in ("one", "two")]
    one, two = (kind("faded", Options()).identity for kind in kinds)
    assert one != two
