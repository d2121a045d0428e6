"""Documents of strangers: one reading, bounded, one line."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qhu.errors import UserError
from qhu.record.documents import MAX_VALUES, parse_document, read_document, write_document

LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
BOMBS = {
    "laughs": LAUGHS + "scenarios: *a9\n",
    "merge": "a: &a {x: 1}\nb: {<<: [*a, *a]}\n",
    "itself": "a: &a [*a]\n",
    "deep": "a: " + "[" * 100_000,
    "deep mapping": "{a: " * 50_000,
    "deep blocks": "- " * 50_000,
    "digits": "seeds: " + "9" * 5_000,
    "many": "a: [" + "1," * (MAX_VALUES + 1) + "1]",
    "python": "a: !!python/object/apply:os.system [true]",
    "binary": "a: !!binary eA==",
    "not an int": "a: !!int x",
    "two documents": "a: 1\n---\na: 2\n",
}
TWO_READINGS = [
    *("no", "Yes", "on", "OFF", "1_000", "1_0.5", "0b11", "-0x1F", "010", "0o10", "08", "1:30"),
    *("190:20:30.15", "2024-01-01", "2001-12-14 21:59:43", "<<", "=", "1e999", "-1e999"),
    *("99999999999999999999", "0x" + "f" * 99),
]


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_line(tmp_path, name):
    file = tmp_path / "bomb.yaml"
    file.write_text(BOMBS[name])
    with pytest.raises(UserError, match=r"bomb.yaml, line \d+: ") as refused:
        read_document(file)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("word", TWO_READINGS)
def test_a_word_with_two_readings_is_refused(word):
    for text in (f"a: {word}", f"{word}: a", f"[{word}]"):
        with pytest.raises(UserError, match=r"x, line 1: .*quote it"):
            parse_document(text, "x")
    assert parse_document(f"a: '{word}'", "x") == {"a": word}


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2", "{a: 1, 'a': 2}", "{1: a, '1': b}", "{1: a, 1.0: b}"]
)
def test_a_key_that_stands_twice_is_refused(text):
    with pytest.raises(UserError, match="stands twice"):
        parse_document(text, "x")


@pytest.mark.parametrize("text", [r'"\0"', r'"\x1b[2J"', r'"\x85"'])
def test_a_character_that_cannot_be_printed_is_refused(text):
    with pytest.raises(UserError, match="cannot be printed"):
        parse_document(f"a: {text}", "x")


def test_an_alias_is_a_copy():
    value = parse_document("a: &x {lr: [1]}\nb: *x", "x")
    value["a"]["lr"].append(2)
    assert value["b"] == {"lr": [1]}


@pytest.mark.parametrize(
    "text", ["1e3", "1e-3", "-2.5E+1", ".5", "1.", "12", "-3", "0x1F", "true", "~"]
)
def test_what_has_one_reading_is_what_it_says(text):
    pythonic = {"~": None, "true": True, "0x1F": 31}
    value = parse_document(text, "x")
    assert value == (pythonic[text] if text in pythonic else float(text))


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
PLAIN |= st.floats(allow_nan=False, allow_infinity=False)
PRINTABLE = st.text(st.characters(exclude_categories=("C",)), max_size=20)
TEXTS = PRINTABLE | st.sampled_from(TWO_READINGS) | st.sampled_from(["1e3", "null", "1", "a\nb"])
VALUES = st.recursive(
    PLAIN | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(VALUES)
def test_what_is_written_is_read_as_the_same(value):
    assert parse_document(write_document(value), "x") == value


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_one_line(text):
    try:
        parse_document(text, "x")
    except UserError as error:
        assert "\n" not in str(error)


@given(VALUES)
def test_what_another_writer_wrote_is_read_as_the_same_or_refused(value):
    """PyYAML writes for YAML 1.1."""
    try:
        read = parse_document(yaml.safe_dump(value, allow_unicode=True), "x")
    except UserError:
        return
    assert read == value or "e" in repr(value)  # 1e3 is text in 1.1, to no one's mind but PyYAML's


def test_a_command_given_a_bomb_stays_small(tmp_path):
    file = tmp_path / "bomb.yaml"
    file.write_text(f"name: x\n{LAUGHS}scenarios: *a9\n")

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    code = "import sys; from qhu.cli import main; sys.argv[1:] = ['run', 'bomb.yaml']; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, preexec_fn=limits, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("qhu: bomb.yaml, line ") and done.stderr.count("\n") == 1


def test_a_file_is_read_no_further_than_its_bound():
    with pytest.raises(UserError, match="longer than"):
        read_document(Path("/dev/zero"))
