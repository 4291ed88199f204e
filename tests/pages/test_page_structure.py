"""Every page of the demo, read as HTML: structure, labels, links, privacy, size, repeatability."""

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import html5lib
import pytest

from catchment import units

ROOT = Path(__file__).parents[2]
XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


def _built(path: Path) -> bool:
    facts = json.loads(path.read_text())["metadata"]["catchment"]
    return facts.get("audience") != "internal"


PARTNERS = sorted(path.stem for path in (ROOT / "params" / "partners").glob("*.yml"))
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if _built(path))
PAGES = [(partner, notebook) for partner in PARTNERS for notebook in NOTEBOOKS]

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(params=PAGES, ids="/".join)
def page(request, demo_pages):
    return demo_pages[request.param]


@pytest.fixture
def tree(page):
    return html5lib.parse(page.read_text(encoding="utf-8"))


def texts(element) -> str:
    """Visible text, style sheets left out."""
    parts = [element.text or ""] if element.tag not in (f"{XHTML}style", f"{XHTML}title") else []
    for child in element:
        parts += [texts(child), child.tail or ""]
    return " ".join(part for part in parts if part)


def all_of(tree, *tags):
    return [element for element in tree.iter() if element.tag in {f"{XHTML}{tag}" for tag in tags}]


def test_every_partner_has_every_page(demo_pages):
    assert set(demo_pages) == set(PAGES)


def test_parses_without_error(page):
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page.read_text(encoding="utf-8"))
    # "viewbox" and friends: nbconvert lower-cases attributes, browsers restore them.
    assert [error for error in parser.errors if error[1] != "unexpected-start-tag-implies-table-voodoo"] == []


def test_one_h1_and_headings_never_skip(tree):
    levels = [int(element.tag[-1]) for element in all_of(tree, "h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert tree.get("lang") == "en"


def test_ids_are_unique_and_links_resolve(page, tree, demo_reports):
    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    for link in all_of(tree, "a"):
        href = link.get("href")
        if href.startswith("#"):
            assert href[1:] in ids, href
        elif href.startswith("data:text/csv"):
            assert link.get("download").endswith(".csv")
        elif not href.startswith("https://"):
            assert (page.parent / href.partition("#")[0]).resolve().is_relative_to(demo_reports.resolve())
            assert (page.parent / href.partition("#")[0]).exists(), href


def test_asks_nothing_of_the_network_and_runs_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert re.search(r"<(script|iframe|object|embed|link|base|form)\b", text, re.I) is None
    assert re.search(r"<[^>]+\son\w+\s*=", text) is None
    assert [found for found in re.findall(r"(?:src|xlink:href)\s*=\s*[\"']([^\"']*)", text) if not found.startswith(("#", "data:"))] == []
    assert [found for found in re.findall(r"url\(([^)]*)\)", text) if not found.strip("\"'").startswith(("#", "data:"))] == []
    assert "default-src 'none'" in text


def test_every_figure_says_what_it_shows_and_where_it_comes_from(tree):
    figures = all_of(tree, "figure")
    for figure in figures:
        caption = next(iter(all_of(figure, "figcaption")))
        assert texts(next(iter(all_of(caption, "strong")))).strip()
        assert texts(next(iter(all_of(caption, "span")))).strip()
        drawings = [element for element in figure.iter() if element.tag == f"{SVG}svg"]
        assert len(drawings) == 1
        assert drawings[0].get("role") == "img"
        assert len(drawings[0].get("aria-label")) > 20
        assert all_of(figure, "table"), "no data table"
        assert "Source: " in texts(figure)


def test_pages_have_figures_or_say_why_not(page, tree):
    closed = any(element.get("class") == "notice" for element in all_of(tree, "p"))
    # The brief has one map, one trend and one scenario figure, for it has to fit on two sheets.
    assert len(all_of(tree, "figure")) >= (3 if page.stem == "06_executive_brief" else 5) or closed


def test_tables_have_captions_and_scoped_headings(tree):
    for table in all_of(tree, "table"):
        if not any(element.get("scope") for element in table.iter()):
            continue
        assert texts(next(iter(all_of(table, "caption")))).strip()
        assert all(heading.get("scope") in ("row", "col") for heading in all_of(table, "th"))
        assert all(texts(cell).strip() for cell in all_of(table, "td", "th")), "an empty cell"


def test_no_leftovers_in_the_text(tree):
    text = texts(tree.find(f"{XHTML}body"))
    drawn = " ".join(element.text or "" for element in tree.iter() if element.tag in (f"{SVG}title", f"{SVG}text"))
    for word in (
        r"\bnan\b",
        r"\bNaN\b",
        r"\bNone\b",
        r"\binf\b",
        r"\bNaT\b",
        r"<NA>",
        "Traceback",
        r"\{\w*\}",
        "undefined",
        "TODO",
        "lorem",
    ):
        assert re.search(word, text) is None, (word, text[max(0, re.search(word, text).start() - 60) :][:140])
        assert re.search(word, drawn) is None, (word, "in a drawing")


def test_no_count_of_one_to_ten_people(tree):
    for cell in all_of(tree, "td"):
        if "people" in (cell.get("class") or "").split():
            shown = texts(cell).strip().replace(",", "")
            assert not (shown.isdigit() and 1 <= int(shown) <= 10), texts(cell)


def test_people_columns_are_marked():
    """The check above reads the class that tables give to counts of people: it must be given."""
    assert units.is_people("cases_n")
    assert units.is_people("new_patients_n")
    assert not units.is_people("hospitals_n")


def test_simulated_tables_are_announced_at_the_head(page, tree):
    text = page.read_text(encoding="utf-8")
    if "(simulated)" in text or "simulated" in texts(tree.find(f"{XHTML}body")).lower():
        banners = [texts(element) for element in all_of(tree, "p") if element.get("class") == "banner"]
        assert any("Simulated" in banner for banner in banners) or any(element.get("class") == "notice" for element in all_of(tree, "p"))


def test_size(page):
    assert page.stat().st_size < 1_000_000


def test_typical_size(demo_pages):
    sizes = sorted(path.stat().st_size for path in demo_pages.values())
    assert sizes[len(sizes) // 2] < 400_000


def test_the_time_is_stamped_once(page):
    text = page.read_text(encoding="utf-8")
    stamps = re.findall(r'<time datetime="([^"]+)">\1</time>', text)
    assert len(stamps) == 1
    assert text.count(stamps[0]) == 2


@pytest.mark.parametrize("partner", PARTNERS)
def test_keepage_is_one_number_on_the_referral_page(demo_pages, partner):
    text = re.sub(r"<[^>]+>|&[a-z#0-9]+;|\s", " ", demo_pages[partner, "02_referral_patterns"].read_text(encoding="utf-8"))
    (said,) = re.findall(r"against ([\d.]+) +% +across affiliated", text)
    assert f"Keepage, affiliated clinicians {said}" in re.sub(r" +", " ", text)
