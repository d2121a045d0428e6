"""The page in a real browser. Needs Chromium; a machine without one cannot run these tests."""

import re
import shutil
import subprocess

import pytest
from evidence_studies import make_study
from pypdf import PdfReader

from qhu.report.evidence.page import write_evidence
from qhu.report.paper_claims.page import write_claims

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# What the page tells the one around it: widths of its content and of its window, and how many
# elements reach out of the window without standing in a box that scrolls.
PROBE = """<script>addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(
    e => !e.closest(".scroll, svg") && e.getBoundingClientRect().right > innerWidth + 1);
  parent.postMessage(
    `PROBE ${document.documentElement.scrollWidth} ${innerWidth} ${wide.length}`, "*");
});</script>"""
# A window is at least 500 pixels wide, a frame in it is as narrow as one likes.
FRAME = """<!doctype html><link rel="icon" href="data:,"><script>
addEventListener("message", event => document.title = event.data)
</script><iframe src="{page}" width="{width}" height="900" style="border: 0"></iframe>"""

MARGIN = 12 / 25.4 * 72
"""Points that paper is left white at its edges."""
CLAIMS = f"""claim,test,estimate,ci_low,ci_high,verdict
{"Words of a claim " * 9},{"words of its test " * 20},-12345.678,-23456.789,34567.891,cannot tell
"""


@pytest.fixture(scope="module")
def pages(reported, tmp_path_factory):
    claims = tmp_path_factory.mktemp("claims")
    (claims / "claims.csv").write_text(CLAIMS)
    return {
        "run": reported / "report.html",
        "evidence": write_evidence(make_study(tmp_path_factory.mktemp("study") / "iris")),
        "claims": write_claims(claims),
    }


@pytest.fixture(params=["run", "evidence", "claims"])
def page(request, pages):
    return pages[request.param]


@pytest.fixture
def probe(page, tmp_path):
    """Shows the page at a width: the three numbers of the probe, and what the console said."""

    def probe(width, extra=""):
        probed, frame = tmp_path / "probed.html", tmp_path / "frame.html"
        probed.write_text(page.read_text().replace("</body>", f"{extra}{PROBE}</body>"))
        frame.write_text(FRAME.format(page=probed.as_uri(), width=width))
        options = [f"--user-data-dir={tmp_path}/profile", "--window-size=1600,1000"]
        log = ["--enable-logging=stderr", "--dump-dom"]
        command = [CHROMIUM, *QUIET, *options, *log, frame.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r"PROBE (\d+) (\d+) (\d+)", done.stdout)
        return (*map(int, found.groups()), re.findall(r"CONSOLE.*", done.stderr))

    return probe


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_overflows_and_the_console_is_silent(probe, width):
    content, window, wide, console = probe(width)
    assert window == width
    assert content <= width
    assert wide == 0
    assert console == []


def test_the_probe_sees_overflow_and_errors(probe):
    content, _, wide, console = probe(
        360, '<p style="width: 600px">wide</p><script>console.error("seen")</script>'
    )
    assert content > 360
    assert wide > 0
    assert "seen" in "".join(console)


def test_on_paper_no_column_is_cut_off(pages, tmp_path):
    """Landscape; every letter of every table lies on the page, also of what is folded on screen."""
    paper = tmp_path / "paper.pdf"
    options = [f"--user-data-dir={tmp_path}/profile", "--no-pdf-header-footer"]
    command = [CHROMIUM, *QUIET, *options, f"--print-to-pdf={paper}", pages["run"].as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    ends, seen = [], []

    def note(text, transform, matrix, font, size):
        if text.strip():
            ends.append(matrix[4] * transform[0] + matrix[5] * transform[2] + transform[4])
            seen.append(text)

    sheets = PdfReader(paper).pages
    for sheet in sheets:
        assert sheet.mediabox.width > sheet.mediabox.height
        sheet.extract_text(visitor_text=note)
    assert min(ends) > 0 and max(ends) < sheets[0].mediabox.width - MARGIN
    text = re.sub(r"\s", "", "".join(seen))
    for column in ("mia_forget", "delta_mia_forget", "acc_test_kept", "uqi"):
        assert column in text
