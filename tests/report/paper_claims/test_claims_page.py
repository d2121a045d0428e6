import io
import re

import pytest
from rich.console import Console

from qhu.errors import UserError
from qhu.report.paper_claims.page import print_claims, write_claims

HEAD = "claim,test,estimate,ci_low,ci_high,verdict\n"
ROWS = [
    "Subset accuracy is above 90 %,mean over 200 seeds,0.934,0.921,0.947,supported",
    "Membership is protected,U-LiRA of the best method,0.71,0.69,0.73,contradicted",
    "Membership is protected,U-LiRA of eu_k,0.52,0.45,0.59,cannot tell (smallest effect 0.09)",
    "<b>Depth</b> matters,,,,,cannot tell",
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "claims.csv").write_text(HEAD + "".join(f"{row}\n" for row in ROWS))
    return tmp_path


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.split("</style>")[1]))


def test_every_claim_stands_once_with_all_its_tests(folder, outline):
    page = write_claims(folder).read_text()
    outline(page)
    text = text_of(page)
    assert "Of 4 tests of 3 claims, 1 supported, 1 contradicted, 2 cannot be told." in text
    assert text.count("Membership is protected") == 1
    assert "0.520 [0.450, 0.590]" in text
    assert "cannot tell 0.520 [0.450, 0.590] smallest effect 0.09" in text
    assert "<b>" not in page


def test_order_is_that_of_the_file(folder):
    text = text_of(write_claims(folder).read_text())
    places = [text.index(words) for words in ("1. Subset", "2. Membership", "3. &lt;b&gt;Depth")]
    assert places == sorted(places)


def test_what_was_not_measured_is_a_dash(folder):
    assert not re.search(r"\bnan\b", write_claims(folder).read_text())


def test_more_columns_are_shown(tmp_path):
    head = HEAD.strip() + ",design,smallest_effect,other\n"
    (tmp_path / "claims.csv").write_text(
        head + "A,a test,0.1,-0.1,0.3,cannot tell,20 paired seeds,0.25,x\n"
    )
    text = text_of(write_claims(tmp_path).read_text())
    assert "20 paired seeds" in text
    assert "smallest effect this could see: 0.250" in text


def test_on_screen_in_80_columns(folder):
    out = io.StringIO()
    print_claims(folder, Console(file=out))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("Of 4 tests of 3 claims")
    assert max(map(len, lines[:-1])) <= 80


@pytest.mark.parametrize(
    ("content", "match"),
    [(HEAD, "no rows"), ("claim\na\n", "lacks"), (HEAD + "a,b,1,0,2,maybe\n", "'maybe'")],
)
def test_a_damaged_table_is_named(tmp_path, content, match):
    (tmp_path / "claims.csv").write_text(content)
    with pytest.raises(UserError, match=match):
        write_claims(tmp_path)
    assert not (tmp_path / "claims.html").exists()


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"claims\.csv"):
        write_claims(tmp_path)
