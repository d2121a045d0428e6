import re
from dataclasses import replace

import pytest

from qhu.report.frames import load_run
from qhu.report.run.methods import as_html, as_latex, as_markdown


@pytest.fixture(scope="module")
def run(tmp_path_factory, results, write_run):
    return load_run(write_run(tmp_path_factory.mktemp("methods") / "run", results))


@pytest.mark.parametrize(
    "text",
    [
        "cross-entropy, 32 rows per step, at learning rate 0.01. Training took 60 epochs",
        "scrub [@kurmanji2023unbounded] (alpha 0.5)",
        "gentle (scrub) [@kurmanji2023unbounded]",
        "forget the whole class 0",
        "corrected over all comparisons by Holm [@holm1979simple]",
        "The stage train ran on statevector",
        "The stage evaluate ran on fake_brisbane (device: fake_brisbane; shots: not set; "
        "layout: 36, 37, 38, 39)",
        "qiskit 2.2.0 [@javadiabhari2024qiskit; @sahin2025qiskit]",
        "means over the seeds 0–9 with",
        "Metrics: acc, mia, uqi, kl, agree.",
    ],
)
def test_what_is_told(run, text):
    assert text in as_markdown(run)


def test_a_setting_that_no_sentence_knows_is_told_by_name(run):
    told = as_markdown(run)
    assert "model.novelty: 0.75" in told
    assert "data.test: 0.2" in told  # its sentence needs data.val, which the run lacks


def test_latex_cites_and_escapes(run):
    text = as_latex(run)
    assert r"\cite{javadiabhari2024qiskit,sahin2025qiskit}" in text
    assert r"fake\_brisbane" in text
    assert not re.search(r"(?<!\\)[_%&#]", re.sub(r"\\cite\{[^}]*\}", "", text))
    assert "[@" not in text


def test_html_numbers_the_references(run):
    html = dict(as_html(run, ["holm1979simple", "kurmanji2023unbounded"]))
    assert 'by Holm [<a href="#ref-holm1979simple">1</a>]' in html["Evaluation"]
    assert 'scrub [<a href="#ref-kurmanji2023unbounded">2</a>]' in html["Training and unlearning"]


def test_html_escapes_what_the_run_says(tmp_path, results, write_run):
    few = results[(results["seed"] == 0) & (results["method"] == "none")]
    folder = write_run(tmp_path / "run", few, seeds=1)
    settings = folder / "experiment.yaml"
    settings.write_text(settings.read_text().replace("name: iris", "name: <b>[@nobody]</b>"))
    text = "".join(paragraph for _, paragraph in as_html(load_run(folder), []))
    assert "<b>" not in text
    assert "[@nobody]" in text


def test_a_whole_circuit_is_told_in_the_place_of_what_it_replaces(run):
    circuit = {"name": "file", "path": "paper.qpy", "content": "0123abcd", "inputs": ["x0", "x1"]}
    parts = {
        "front": {"name": "none"},
        "quantum": True,
        "encoding": {"name": "rotations", "angle": 0.5},
        "ansatz": {"name": "rotations_cz", "layers": 2},
        "observables": {"name": "z"},
        "head": {"name": "mlp", "hidden": [16]},
    }
    whole = paragraph({**parts, "circuit": circuit}, run)
    assert "(paper.qpy, content 0123abcd)" in whole
    assert "rotations" not in whole
    alone = paragraph({**parts, "circuit": {**circuit, "inputs": []}}, run)
    assert "0.5 per unit" in alone and "rotations_cz" not in alone
    assert "circuit: not set" not in paragraph({**parts, "circuit": None}, run)


def paragraph(model, run):
    """The paragraph on a run with such a model."""
    return as_markdown(replace(run, settings={**run.settings, "model": model}))
