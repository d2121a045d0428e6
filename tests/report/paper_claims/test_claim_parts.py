import pytest

from qhu.errors import UserError
from qhu.report.paper_claims.page import write_claims

CLAIMS = """claim,test,estimate,ci_low,ci_high,verdict
Accuracy,above 0.9,0.92,0.91,0.93,supported
Cost,below 1,0.3,0.2,0.4,supported
"""
TESTS = """claim,test,part,estimate,ci_low,ci_high,n,outcome,direction,against,margin
Accuracy,above 0.9,scrub,0.95,0.94,0.96,20,1.0,above,0.9,
Accuracy,above 0.9,lca,0.92,0.91,0.93,20,-1.0,above,0.9,
Cost,below 1,scrub,0.3,0.2,0.4,20,1.0,below,1,
"""
COSTS = """method,steps,seconds,circuits,steps_share,seconds_share,circuits_share
retrain,240,0.8,434700,1,1,1
scrub,40,0.2,66021,0.1667,0.25,0.1519
qfi_dampening,40,0.2,,0.1667,0.25,
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in (("claims", CLAIMS), ("tests", TESTS), ("costs", COSTS)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_a_test_of_several_parts_is_drawn_once(folder, outline):
    page = write_claims(folder).read_text()
    outline(page)
    assert page.count("every part of this test") == 1
    drawing = page.split("<figure")[1].split("</figure>")[0]
    assert all(words in drawing for words in ("scrub", "lca", "supported", "contradicted"))


def test_costs_stand_beside_those_of_training_again(folder):
    page = write_claims(folder).read_text()
    assert '<th scope="row">scrub</th><td>40</td><td>17 %</td>' in page
    assert "<td>66,021</td><td>15 %</td>" in page
    assert "<td>–</td><td>–</td>" in page


def test_a_page_without_them_says_nothing_of_them(folder):
    (folder / "tests.csv").unlink()
    (folder / "costs.csv").unlink()
    page = write_claims(folder).read_text()
    assert "every part" not in page
    assert "What methods cost" not in page


@pytest.mark.parametrize("name", ["tests.csv", "costs.csv"])
def test_a_damaged_table_is_named(folder, name):
    (folder / name).write_text("claim\nx\n")
    with pytest.raises(UserError, match=name):
        write_claims(folder)
