"""Every page of the demo in headless Chromium: silent, self-contained, accessible, and readable on a phone and on paper."""

import shutil
from pathlib import Path

import axe_playwright_python
import pytest
from test_page_structure import PAGES

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("demo"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield running
        running.close()


@pytest.fixture(params=[*PAGES, ("index", "")], ids="/".join)
def path(request, demo_pages, demo_reports):
    return demo_reports / "index.html" if request.param[0] == "index" else demo_pages[request.param]


def opened(browser, path, *, width, scheme="light"):
    """The page with all details open, and what it logged and asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=False)
    tab, told, asked = context.new_page(), [], []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return tab, told, asked


def violations(tab, path) -> list[str]:
    """What axe finds. Contrast, by far its slowest rule, is measured on one partner's pages and the index: all pages share one
    style sheet, whose tokens another test measures."""
    tab.evaluate(AXE)
    contrast = path.parent.name == PAGES[-1][0] or path.name == "index.html"
    options = {"runOnly": RULES, "resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": contrast}}}
    found = tab.evaluate("options => axe.run(document, options)", options)["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:160]}" for rule in found]


def test_wide_page_is_silent_self_contained_and_accessible(browser, path):
    tab, told, asked = opened(browser, path, width=1280)
    assert told == []
    assert asked == [path.as_uri()]
    assert violations(tab, path) == []
    tab.context.close()


def test_phone_in_the_dark_needs_no_sideways_scroll_and_is_accessible(browser, path):
    tab, told, _ = opened(browser, path, width=320, scheme="dark")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert told == []
    assert violations(tab, path) == []
    tab.context.close()


def test_text_on_paper_is_not_cut(browser, path, tmp_path):
    """Printed, nothing is wider than the sheet and nothing interactive is left."""
    tab, _, _ = opened(browser, path, width=720)
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 720
    assert tab.evaluate("[...document.querySelectorAll('details, .toc, .skip')].filter(e => e.offsetParent !== null).length") == 0
    assert tab.pdf(format="Letter", path=tmp_path / "page.pdf")[:5] == b"%PDF-"
    tab.context.close()


def test_the_page_refuses_scripts(browser, demo_pages, tmp_path):
    """The policy holds: a script that got into a page would not run."""
    page = next(iter(demo_pages.values()))
    planted = tmp_path / "planted.html"
    planted.write_text(
        page.read_text(encoding="utf-8").replace(
            "</main>", "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\"></main>"
        ),
        encoding="utf-8",
    )
    tab, told, _ = opened(browser, planted, width=800)
    assert tab.title() != "ran"
    assert any("Content Security Policy" in line or "Content-Security-Policy" in line for line in told)
    tab.context.close()
