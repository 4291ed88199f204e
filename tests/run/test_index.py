"""The portfolio's index and the landing pages: ranks and movement, size at 500 partners, what a browser makes of them."""

import re
import shutil
import warnings
from pathlib import Path

import html5lib
import pytest

from catchment.run.site import desk, index, landing, movement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURES = (
    ("Share of stays", "higher"),
    ("Keepage", "higher"),
    ("Analytic cases", ""),
    ("NPV of the plan", "higher"),
    ("Donors who gave again", "higher"),
    ("Standards met", "higher"),
    ("Days to treatment", "lower"),
)
LONG = (
    "**The accreditation gate is blocked by 5.3 (operative report: sentinel node in breast cancer)**, although 34 of 37 standards are met."
)


def card(name, better, number):
    return {
        "label": f"{name}, 2025",
        "value": f"{number:,.1f} %",
        "change": "▼ 1.2 points vs 2024",
        "goal": "Target 80.0 %: missed",
        "status": "bad" if number > 80 else "neutral",
        "measure": {"name": name, "number": number, "better": better},
    }


def page(partner, number, *, cards, before, failure=None, title="Market analysis"):
    was = before and {"kpis": before, "takeaways": [], "run": "r0", "produced": "2026-09-01T00:00:00Z"}
    return {
        "partner": partner, "notebook": f"{number:02d}_page", "audience": "leadership", "title": title, "order": number, "path": f"{partner}/{number:02d}_page.html", "produced": "2026-11-11T06:00:00Z",
        "headlines": {"kpis": cards, "takeaways": [LONG], "simulated": ["x"], "stale": []}, "attachments": {"pdf": {"path": f"{partner}/{number:02d}_page.pdf", "bytes": 2_700_000, "sha256": ""}}, "before": was,
        "vintages": ["v1"], "failure": failure,
    }  # fmt: skip


def portfolio(n):
    """A manifest of `n` partners with six pages each; values are spread by a fixed rule, and one partner in fifty has a page that failed."""
    pages, partners = {}, {}
    for i in range(n):
        name = f"partner{i:03d}"
        partners[name] = {
            "name": f"Mill Creek Regional Hospital {i}",
            "place": "Chesterton, Indiana",
            "program": "Oakmont Cancer Network",
            "through": "2025-12-31",
            "run": "r1",
            "produced": "2026-11-11T06:00:00Z",
            "earlier": [],
        }
        cards = [[card(*measure, (i * 37 + k * 11 + then * i % 7) % 100) for k, measure in enumerate(MEASURES)] for then in (0, 1)]
        failure = {"kind": "error", "at": "2026-11-21T00:00:00Z", "run": "r1", "error": "KeyError", "cell": 3} if i % 50 == 7 else None
        for number in range(6):
            now, was = ([each[number]] + ([each[6]] if number == 5 else []) for each in cards)
            pages[f"{name}/{number:02d}_page"] = page(name, number, cards=now, before=was, failure=failure if number == 2 else None)
    vintages = {"v1": {"title": "Cancer incidence by county", "period": "2017-21", "published": "2024-06", "simulated": False}}
    return {"format": 3, "pages": pages, "partners": partners, "vintages": vintages, "run": "r1", "updated": "2026-11-21T08:00:00Z"}


def parsed(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
        tree = parser.parse(text)
    assert [error for error in parser.errors if "style" not in str(error)] == []
    return tree


def three(better, now, before):
    names = ["a", "b", "c"]
    entries = [
        page(name, 1, cards=[card("Days", better, value)], before=was if was is None else [card("Days", better, was)])
        for name, value, was in zip(names, now, before, strict=True)
    ]
    (measure,) = movement.measures(entries)
    return {name: (each.rank, each.gained) for name, each in measure.standings.items()}


@pytest.mark.parametrize(
    ("better", "now", "before", "places"),
    [
        ("higher", [3, 2, 1], [1, 2, 3], {"a": (1, 2), "b": (2, 0), "c": (3, -2)}),
        ("lower", [3, 2, 1], [1, 2, 3], {"a": (3, -2), "b": (2, 0), "c": (1, 2)}),
        ("higher", [5, 5, 1], [5, 5, 1], {"a": (1, 0), "b": (1, 0), "c": (3, 0)}),
        ("higher", [3, 2, 1], [None, None, None], {"a": (1, 0), "b": (2, 0), "c": (3, 0)}),
    ],
)
def test_ranks_follow_what_is_better_and_movement_the_value_before(better, now, before, places):
    assert three(better, now, before) == places


def test_changes_are_told_by_measure_or_by_label_without_its_year():
    plain = {"label": "Cases, 2026", "value": "12", "measure": None}
    entry = page(
        "a",
        1,
        cards=[card("Days", "lower", 40), plain, {"label": "New one", "value": "1", "measure": None}],
        before=[card("Days", "lower", 50), plain | {"label": "Cases, 2025", "value": "11"}],
    )
    assert [(each.label, each.before, each.now) for each in movement.changes(entry)] == [
        ("Days, 2025", "50.0 %", "40.0 %"),
        ("Cases, 2026", "11", "12"),
        ("New one", "", "1"),
    ]
    assert movement.news(entry) == [LONG]
    assert movement.changes(entry | {"before": None}) == [] == movement.news(entry | {"before": None})


@pytest.mark.parametrize("n", [1, 5, 40])
def test_the_index_is_sound_html_and_lists_every_partner(n):
    manifest = portfolio(n)
    tree = parsed(index.render(manifest))
    links = {link.get("href") for link in tree.iter("a")}
    assert {f"{name}/index.html" for name in manifest["partners"]} <= links
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    places = [dict(part.split(":") for part in row.get("style").rstrip(";").split(";")) for row in tree.find(".//tbody")]
    assert all(sorted(int(each[order]) for each in places) == list(range(n)) for order in places[0]), "each order is a permutation"
    assert list(tree.iter("script")) == []


def test_a_card_that_the_brief_repeats_counts_once():
    manifest = portfolio(1)
    first = manifest["pages"]["partner000/00_page"]
    before = index.render(manifest)
    manifest["pages"]["partner000/09_brief"] = page("partner000", 9, cards=first["headlines"]["kpis"], before=None, title="Executive brief")
    told = [re.search(r"<td>(\d+)<small>of (\d+)</small>", text).groups() for text in (before, index.render(manifest))]
    assert told[0] == told[1]


def test_the_index_of_an_empty_portfolio_is_a_page_too():
    assert "0 partners" in index.render({"format": 3, "pages": {}, "partners": {}, "vintages": {}})


def test_five_hundred_partners_stay_below_one_megabyte():
    assert len(index.render(portfolio(500)).encode()) < 1_000_000


def test_nothing_in_names_or_measures_becomes_markup_or_style():
    evil = "</style><script>x</script>\"'{}*/"
    manifest = portfolio(2)
    manifest["partners"]["partner000"] |= {"name": evil, "place": evil, "program": evil}
    entry = manifest["pages"]["partner000/00_page"]
    entry["title"], entry["headlines"]["takeaways"] = evil, [evil]
    entry["headlines"]["kpis"][0] |= {"label": evil, "value": evil, "measure": {"name": evil, "number": 1.0, "better": "higher"}}
    known = manifest["partners"]["partner000"]
    for text in (index.render(manifest), landing.render("partner000", known, [entry], manifest["vintages"]), desk.render(manifest)):
        tree = parsed(text)
        assert list(tree.iter("script")) == [] and len(list(tree.iter("style"))) == 1


def test_a_number_stays_with_its_unit_at_the_end_of_a_line():
    manifest = portfolio(1)
    known, entry = manifest["partners"]["partner000"], manifest["pages"]["partner000/00_page"]
    entry["headlines"]["kpis"][0] |= {"value": "52.4 %", "change": "▲ 1.5 points", "goal": "Target 80.0 %: missed"}
    text = landing.render("partner000", known, [entry], manifest["vintages"])
    assert all(said in text for said in ("52.4\u00a0%", "1.5\u00a0points", "Target 80.0\u00a0%: missed"))


@pytest.fixture(scope="module")
def tab():
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield running.new_page(viewport={"width": 1280, "height": 900})
        running.close()


def loaded(tab, path):
    """Seconds on the clock to the load event, and those that the page's thread worked for it."""
    session = tab.context.new_cdp_session(tab)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    tab.goto(path.as_uri())
    clock = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
    return clock, next(each["value"] for each in session.send("Performance.getMetrics")["metrics"] if each["name"] == "TaskDuration")


@pytest.mark.browser
def test_five_hundred_partners_are_put_in_another_order_without_a_script(tab, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(index.render(portfolio(500)))
    assert loaded(tab, path)[1] < 1.0, "seconds of processor time"
    top = "[...document.querySelectorAll('.side tbody tr')].sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).slice(0, 3).map(row => parseFloat(row.children[7].textContent))"
    tab.get_by_label("Days to treatment").check()
    assert (
        tab.evaluate(top)
        == sorted(tab.evaluate("[...document.querySelectorAll('.side tbody tr')].map(row => parseFloat(row.children[7].textContent))"))[:3]
    )
    tab.evaluate("window.scrollTo(0, 9000)")
    assert tab.evaluate("document.querySelector('.side thead').getBoundingClientRect().top") == 0, "the heads of the columns stay in sight"


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", "landing", "internal", "kept"])
def test_the_pages_around_the_reports_are_accessible_and_fit_a_phone(tab, tmp_path, name):
    import axe_playwright_python

    manifest = portfolio(8)
    entries = [entry for entry in manifest["pages"].values() if entry["partner"] == "partner007"]
    known = manifest["partners"]["partner007"] | {"earlier": [{"run": "r0", "produced": "2026-09-01T00:00:00Z", "pages_n": 6}]}
    made = {
        "index": lambda: index.render(manifest), "internal": lambda: desk.render(manifest), "landing": lambda: landing.render("partner007", known, entries, manifest["vintages"]),
        "kept": lambda: landing.render("partner007", known, entries, manifest["vintages"], kept=known["earlier"][0]),
    }  # fmt: skip
    path = tmp_path / f"{name}.html"
    path.write_text(made[name]())
    for width, scheme in ((1280, "light"), (320, "dark")):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        tab.goto(path.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        found = tab.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations']})"
        )["violations"]
        assert [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found] == []
