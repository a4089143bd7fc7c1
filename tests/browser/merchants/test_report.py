"""A report in a real Chromium: drawn from its own file alone, printed on A4, and nothing in it is cut off."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.pack import COUNT, MONEY, SHARE, Chart, Curve, Panel
from pipeline.report.page import compose
from pipeline.settings import Settings
from tests.browser.chrome import complaints, read, strangers, wait_for
from tests.unit.test_report_sections import END, FULL, INCIDENT, PUBLISHED

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

pytestmark = pytest.mark.browser

STEP = timedelta(minutes=10)
STEPS = [END - STEP * back for back in range(144, 0, -1)]
CHART = Chart(
    STEPS,
    STEP,
    [
        Panel("취소율", SHARE, [Curve("usual", [0.05] * 144, usual=True), Curve("now", [0.1] * 144)]),
        Panel("승인 금액", MONEY, [Curve("now", [float(n) * 10**7 for n in range(144)])]),
        Panel("승인 건수", COUNT, [Curve("now", [None, *range(143)])]),
    ],
)
#: What stands out of the paper's width, in the browser's view of paper.
WIDER = """
const measured = "#js-plotly-tester";  // Plotly's own, out of sight
return [...document.querySelectorAll("body *")].filter(e => !e.closest(measured)).filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && (box.right > document.documentElement.clientWidth + 1 || box.left < -1);
}).map(e => e.tagName + "." + e.className.toString().slice(0, 40) + " " + e.textContent.slice(0, 40));
"""
#: What a page's end may tear, or what is higher than a page.
TORN = """
return [...document.querySelectorAll("figure, tr, dl, .head")].filter(e =>
  getComputedStyle(e).breakInside !== "avoid" || e.getBoundingClientRect().height > arguments[0]
).map(e => e.tagName);
"""
#: A4 less the margins, in CSS pixels.
PAPER_WIDTH, PAPER_HEIGHT = 688, 1005


def write(folder: Path, language: str) -> Path:
    """A report with many incidents of long names, each with its picture."""
    rows = [{**INCIDENT, "incident_id": n, "total": 60, "entity_name": "가나다 " * 25} for n in range(60)]
    gathered = replace(FULL, language=language, incidents=rows, statements=())
    published = replace(PUBLISHED, pictures=dict.fromkeys(range(12), CHART))
    path = folder / f"report-{language}.html"
    path.write_bytes(compose(Settings(home=folder / "home"), gathered, published, {}))
    return path


def printed(browser: WebDriver) -> bytes:
    asked = {"preferCSSPageSize": True, "printBackground": True}
    answer: dict[str, Any] = browser.execute_cdp_cmd("Page.printToPDF", asked)
    return base64.b64decode(answer["data"])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_it_is_drawn_from_its_own_file_and_prints_on_a4(
    browser: WebDriver, tmp_path: Path, language: str
) -> None:
    path = write(tmp_path, language)
    browser.get(path.as_uri())
    assert browser.execute_script("return Number(document.documentElement.dataset.drawn)") >= 14
    assert complaints(browser) == []
    assert strangers(browser, path.as_uri()) == []
    pdf = printed(browser)
    sizes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)}
    assert {(round(right), round(top)) for _, _, right, top in sizes} == {(595, 842)}
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 10 <= pages <= 20


def test_on_paper_nothing_is_wider_and_no_picture_or_row_is_torn(browser: WebDriver, tmp_path: Path) -> None:
    browser.get(write(tmp_path, "ko").as_uri())
    size = {"width": PAPER_WIDTH, "height": PAPER_HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script(WIDER) == []
    assert browser.execute_script(TORN, PAPER_HEIGHT) == []


def test_a_script_that_somebody_puts_in_does_not_run(browser: WebDriver, tmp_path: Path) -> None:
    path = write(tmp_path, "en")
    forged = "</h1><script>document.title = 'forged'</script><img src=x onerror=\"document.title='forged'\">"
    path.write_bytes(path.read_bytes().replace(b"</h1>", forged.encode(), 1))
    browser.get(path.as_uri())
    wait_for(browser, "Report of the day")
    assert browser.title != "forged"
    assert "violates the following Content Security Policy" in " ".join(complaints(browser))
    assert "900,000,000" in read(browser)
