"""What a notebook shows: blocks, tables, drawings and the page they make."""

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import html5lib
import matplotlib.colors as colors
import nbformat
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from shapely.geometry import box

from catchment import units
from catchment.page import Block, DisclosureError, Exhibit, Finding, Kpi, Report, document, maps, plots, svg, tables, theme

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "</title><b>",
    "'; DROP",
    "&lt;",
    "=cmd|' /C calc'!A0",
]


class Origins:
    """Tables of a page that were never read: only what blocks ask of them."""

    used = ()

    def __init__(self, **facts):
        self.facts = {
            "title": "Stays",
            "simulated": False,
            "suppress_below": 11,
            "sha8": "00000000",
            "published": "2024",
            "ages": True,
            "behind": "",
        } | facts

    def origin(self, name):
        return SimpleNamespace(**self.facts)

    def source(self, *names):
        return f"{self.facts['title']}, 2024"


def made(**facts) -> Report:
    return Report(SimpleNamespace(as_of=date(2025, 12, 31), max_age_days=1500, name="Ours"), Origins(**facts))


def notebook(*blocks, prose="## Section one\n\nText.") -> nbformat.NotebookNode:
    cells = [new_markdown_cell(f"# Title\n\n{prose}")]
    for block in blocks:
        bundle = block._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        cells.append(new_code_cell("x", outputs=[new_output("execute_result", data=data, metadata=metadata, execution_count=1)]))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return new_notebook(cells=cells, metadata={"catchment": {"title": "Market"}})


FACTS = document.Facts(title="Market", partner="Ours", program="Program", through="2025-12-31", produced="2026-01-01T00:00:00Z", code="abc")


def stays(*counts) -> pd.DataFrame:
    return pd.DataFrame({"hospital": [f"H{i}" for i in range(len(counts))], "cases_n": counts})


def exhibit(report: Report, frame: pd.DataFrame, title: str = "C", subtitle: str = "S", *, key: str = "one", **more) -> Exhibit:
    return Exhibit(key, report.protect(frame, sources=["x"]), title, subtitle, sources=["x"], **more)


def table(report: Report, frame: pd.DataFrame) -> Block:
    return report.table(exhibit(report, frame))


def bars(shown: Exhibit, **more):
    return plots.bars(shown.shown, "hospital", "cases_n", **more)


def test_a_card_without_comparison_is_refused():
    with pytest.raises(ValueError, match="comparison"):
        Kpi("Share", "12 %")
    with pytest.raises(ValueError, match="status"):
        Kpi("Share", "12 %", change="▲ 1", status="green")


def test_an_exhibit_of_an_unprotected_frame_is_refused_and_of_a_protected_one_is_not():
    report, frame = made(), stays(4, 20, 30)
    with pytest.raises(DisclosureError, match=r"report\.protect"):
        Exhibit("one", frame, "T", "S", sources=["x"])
    safe = exhibit(report, frame)
    block = report.figure(bars(safe), safe)
    assert "[c]" in block.html
    assert ">4<" not in block.html
    assert ">20<" not in block.html  # complementary


def test_a_source_without_threshold_hides_nothing():
    report, frame = made(suppress_below=None), stays(4, 20)
    assert ">4<" in report.table(exhibit(report, frame)).html


def test_figures_are_numbered_and_carry_their_key_table_and_source():
    report = made()
    one, two = (exhibit(report, stays(20, 30), key=key) for key in ("one", "two"))
    first, second = report.figure(bars(one), one), report.figure(bars(two), two)
    assert (first.record["id"], first.record["number"], second.record["number"]) == ("one", 1, 2)
    assert report.figure(bars(one), one, number=1).record["number"] == 1 and report.next_number() == 3
    assert report.number("two") == 2
    assert '<figure id="one">' in first.html
    assert "<table" in first.html
    assert "Source: Stays, 2024" in first.html


def test_a_key_stands_for_one_exhibit_of_a_page():
    report = made()
    one = exhibit(report, stays(20, 30))
    report.table(one)
    for again in (lambda: report.table(one), lambda: report.figure(bars(one), one)):
        with pytest.raises(ValueError, match="two exhibits of this page have the key 'one'"):
            again()
    with pytest.raises(ValueError, match="no figure 'three' stands above"):
        report.number("three")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_from_data_becomes_markup(attack):
    report, frame = made(title=attack), pd.DataFrame({"hospital": [attack, "b"], "cases_n": [20, 30], "kind": [attack, attack]})
    figure = exhibit(report, frame, attack, attack, note=attack, labels={"hospital": attack})
    shown = [
        report.takeaways(f"**{attack}** {attack}", Finding(attack)),
        report.kpis(Kpi(attack, attack, change=attack, goal=attack)),
        report.figure(bars(figure, note="kind"), figure),
        report.table(exhibit(report, frame, attack, key="two", note=attack, labels={"kind": attack})),
        report.notice(attack),
        report.method(attack),
    ]
    facts = document.Facts(attack, attack, attack, attack, "2026", attack, ((attack, attack),), others=((attack, "b.html"),))
    text = document.html(notebook(*shown, prose=f"## {attack}\n\n{attack}"), facts)
    tree = html5lib.parse(text, namespaceHTMLElements=False)
    assert [element.tag for element in tree.iter() if element.tag in ("script", "img", "iframe")] == []
    assert [name for element in tree.iter() for name in element.attrib if str(name).startswith("on")] == []
    assert "alert(1)" not in "".join(re.findall(r"<script.*?</script>", text, re.S))


def test_tables_scope_headings_carry_units_and_mark_what_is_missing():
    frame = pd.DataFrame(
        {"zip": ["1", "2"], "market_share": [0.1234, None], "cases_n": [1234.0, None], "cases_n_suppressed": [False, True]}
    )
    text = tables.render(tables.written(frame), "Caption")
    assert "<caption>Caption</caption>" in text
    assert "Market, %" in text
    dollars = tables.render(tables.written(pd.DataFrame({"line": ["a", "b"], "goal_usd": [2e5, 4e5]})), "Caption")
    assert "Goal, $\u00a0K" in dollars, "the unit of a heading stays on one line"
    assert "12.3" in text
    assert "1,234" in text
    assert "[x]" in text
    assert "[c]" in text
    assert 'class="n people"' in text
    assert "suppressed" not in text


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("share", 0.5, "50.0 %"),
        ("share_low", 0.25, "25.0 %"),
        ("cases_n", 1200, "1,200"),
        ("rate_100k", 431.25, "431.2 per 100,000"),
        ("dist_km", 12.0, "12 km"),
        ("payback_years", 4.1, "4.1 years"),
        ("payback_years", 4.125, "4.12 years"),
        ("year", 2024, "2024"),
    ],
)
def test_the_suffix_of_a_column_is_its_unit(column, value, said):
    assert units.of(column, pd.Series([value])).full(value) == said


def test_a_value_that_a_row_cannot_have_reads_not_applicable_and_a_hidden_one_stays_hidden():
    frame = pd.DataFrame({"title": ["Visits", "All"], "volume_n": [50.0, np.nan], "paid_usd": [np.nan, 7.0]})
    report = made()
    html = report.table(exhibit(report, frame, inapplicable=["volume_n"])).html
    cells = re.findall(r"<t[hd][^>]*>(?:<abbr[^>]*>)?([^<]*)", html.split("<tbody>")[1])
    assert cells == ["Visits", "50", "[x]", "All", "[z]", "7.00"]
    hidden = pd.DataFrame({"title": ["a"], "cases_n": [np.nan], "cases_n_suppressed": [True]})
    assert tables.written(hidden, inapplicable=["cases_n"]).texts["cases_n"] == ["[c]"]


def test_a_number_in_the_first_column_stands_under_its_heading():
    head = tables.render(tables.written(pd.DataFrame({"place": [1, 2], "cases_n": [20, 30]})), "C")
    assert '<th scope="col">Place</th><th scope="col" class="n">Cases</th>' in head


def test_svg_is_the_same_twice_with_ids_of_its_own_and_text_as_text():
    frame = stays(20, 30)
    drawn = [plots.bars(frame, "hospital", "cases_n") for _ in range(3)]
    first, second, other = (
        svg.render(plot.fig, "label", tips=plot.tips, prefix=prefix) for plot, prefix in zip(drawn, ("f1", "f1", "f2"), strict=True)
    )
    assert first == second
    assert "<title>H0: 20</title>" in first
    ids = set(re.findall(r'id="([^"]+)"', first))
    assert not ids & set(re.findall(r'id="([^"]+)"', other))
    assert "H0" in first
    assert "var(--accent,#12436d)" in first
    assert 'role="img"' in first


def test_the_page_has_contents_banner_and_one_stamp():
    report, frame = made(simulated=True), stays(20, 30)
    text = document.html(notebook(report.table(exhibit(report, frame))), FACTS)
    assert '<a href="#section-one">Section one</a>' in text
    assert "Simulated data" in text
    assert text.count("<h1") == 1
    assert document.html(notebook(table(made(simulated=True), frame)), FACTS) == text


def test_old_data_are_announced_unless_they_do_not_age():
    frame = stays(20, 30)
    assert "Older data" in document.html(notebook(table(made(published="2012"), frame)), FACTS)
    assert "Older data" not in document.html(notebook(table(made(published="2012", ages=False), frame)), FACTS)


def test_the_summary_tells_what_the_page_said():
    report = made(simulated=True)
    told = document.summary(
        notebook(
            report.takeaways("**A.** b"),
            report.kpis(Kpi("K", "1", change="▲")),
            report.record("cases", 50, "patients", "2025"),
            report.record("few", 5, "patients", "2025"),
            table(report, stays(20, 30)),
        )
    )
    assert told["takeaways"] == ["**A.** b"]
    assert told["kpis"][0]["label"] == "K"
    assert told["numbers"] == [
        {"name": "cases", "value": 50.0, "unit": "patients", "period": "2025"},
        {"name": "few", "value": None, "unit": "patients", "period": "2025"},
    ]
    assert told["simulated"] == ["Stays"]


def test_an_early_end_tells_the_runner_to_stop():
    assert made().end("No program", when=True)._repr_mimebundle_()[1] == {"catchment": {"end": True}}
    assert "No program" not in made().end("No program", when=False).html


def luminance(color: str) -> float:
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colors.to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tokens", [theme.LIGHT, {**theme.LIGHT, **theme.DARK}, theme.PRINT], ids=["light", "dark", "print"])
def test_text_and_marks_stand_out(tokens):
    """WCAG 2.2: 4.5:1 for text (1.4.3), 3:1 for marks (1.4.11); a browser cannot judge text inside an SVG."""
    for name in ("ink", "muted", "accent", "warn", "good"):
        assert contrast(tokens[name], tokens["paper"]) >= 4.5, name
        assert contrast(tokens[name], tokens["wash"]) >= 4.5, name
    for name in ("context", "c2", "c3", "c4", "c5"):
        assert contrast(tokens[name], tokens["paper"]) >= 2.8, name


def test_heatmap_marks_hidden_cells_and_leaves_absent_ones_blank():
    frame = pd.DataFrame(
        {"from": ["a", "a", "b"], "to": ["x", "y", "x"], "cases_n": [20, None, 40], "cases_n_suppressed": [False, True, False]}
    )
    texts = [text.get_text() for text in plots.heatmap(frame, "from", "to", "cases_n").fig.axes[0].texts]
    assert sorted(texts) == ["20", "40", "[c]"]
    nothing = plots.heatmap(frame.assign(cases_n=float("nan")), "from", "to", "cases_n")
    assert (nothing.fig, nothing.missing) == (None, "every count is too small to be shown")


@pytest.mark.parametrize(
    ("draw", "columns"),
    [
        (plots.bars, ("label", "value")),
        (plots.dumbbell, ("label", "value", "value")),
        (plots.funnel, ("label", "value")),
        (plots.intervals, ("label", "value", "value", "value")),
        (plots.stacked, ("label", "value", "group")),
        (plots.trend, ("label", "value")),
        (plots.steps, ("value", "value")),
        (plots.heatmap, ("label", "group", "value")),
    ],
)
def test_a_shape_without_any_value_says_so(draw, columns):
    frame = pd.DataFrame({"label": ["a", "b"], "group": ["x", "y"], "value": [np.nan, np.nan]})
    assert draw(frame, *columns).missing == "no value is known"
    assert draw(frame.head(0), *columns).missing == "there is no such record"


def texts_of(plot) -> list:
    axes = plot.fig.axes[0]
    drawn = FigureCanvasAgg(plot.fig).get_renderer()
    return [text.get_window_extent(drawn) for text in axes.texts if text.get_text()]


def test_tornado_labels_do_not_overlap_where_both_ends_lie_on_one_side():
    swings = pd.DataFrame(
        {"driver": ["Price", "Volume", "Delay", "Rent"], "low_usd": [-4e6, 2.1e6, 2.2e6, 2e6], "high_usd": [9e6, 2.6e6, 1.9e6, 2.4e6]}
    )
    plot = plots.tornado(swings, "driver", "low_usd", "high_usd", 2e6)
    said = [text.get_text() for text in plot.fig.axes[0].texts]
    assert "$2.1 M to $2.6 M" in said
    assert "$2.4 M" in said, "one end is the base itself"
    boxes = texts_of(plot)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
    edge = plot.fig.get_window_extent()
    assert all(edge.x0 <= box.x0 and box.x1 <= edge.x1 for box in boxes)


def test_words_in_a_drawing_take_the_ink_of_light_and_dark():
    # Matplotlib writes no color for text in its default one, and a browser then draws it black, on the dark paper too.
    rule = re.search(r"\.plot svg text\{([^}]*)\}", (Path(document.__file__).parent / "template/page.css").read_text())[1]
    assert "fill:var(--ink)" in rule


def test_ages_over_89_and_sparse_zip_areas_are_refused_at_the_gate():
    report = made()
    with pytest.raises(DisclosureError, match="age_years"):
        table(report, pd.DataFrame({"age_years": [91, 50], "cases_n": [20, 30]}))
    with pytest.raises(DisclosureError, match="zip3"):
        table(report, pd.DataFrame({"zip3": ["036", "500"], "cases_n": [20, 30]}))


def test_the_name_of_a_site_on_a_map_stands_out_from_any_area():
    areas = gpd.GeoDataFrame(
        {"zip": ["60543", "60560"], "share": [0.4, 0.02]}, geometry=[box(-88.4, 41.6, -88.3, 41.7), box(-88.3, 41.6, -88.2, 41.7)], crs=4326
    )
    sites = pd.DataFrame({"name": ["Tallgrass"], "lon": [-88.35], "lat": [41.65]})
    plot = maps.choropleth(areas, "share", bins=[0.1], label="zip", sites=sites)
    drawn = svg.render(plot.fig, "label", tips=plot.tips)
    outlined = re.search(r'<g style="paint-order: stroke; stroke: var\(--paper,#ffffff\)[^>]*>\s*<text[^>]*>([^<]*)', drawn)
    assert outlined and outlined[1] == "Tallgrass"


def test_a_hidden_area_keeps_the_hatching_of_the_legend_inside_an_outline():
    areas = gpd.GeoDataFrame(
        {"zip": ["60543", "60560"], "share": [None, 0.2], "share_suppressed": [True, False]},
        geometry=[box(-88.4, 41.6, -88.3, 41.7), box(-88.3, 41.6, -88.2, 41.7)],
        crs=4326,
    )
    patches = maps.choropleth(areas, "share", bins=[0.1], label="zip", outline=["60543"]).fig.axes[0].patches
    hatched = [to_hex(patch.get_edgecolor()) for patch in patches if patch.get_hatch()]
    assert hatched == [theme.HATCH]
    assert theme.INK in [to_hex(patch.get_edgecolor()) for patch in patches if not patch.get_hatch()]


def test_a_first_column_of_years_or_zips_takes_no_more_room_than_it_needs():
    short, long = (
        tables.render(tables.written(pd.DataFrame({"zip": names, "x_share": [0.1]})), "C") for names in (["60543"], ["Aurora, IL"])
    )
    assert "<table class=short>" in short
    assert "<table>" in long


def test_the_words_of_a_target_stand_where_fewer_points_are():
    def side(*values):
        frame = pd.DataFrame({"year": range(2020, 2020 + len(values)), "use_share": values})
        words = plots.trend(frame, "year", "use_share", target=0.8, target_label="Limit").fig.axes[0].texts
        return next(text.get_ha() for text in words if text.get_text().startswith("Limit"))

    assert side(0.5, 0.5, 0.5, 0.5, 0.5, 0.5) == "left"
    assert side(0.81, 0.85, 0.88, 0.5, 0.5, 0.5) == "right"
    assert side(0.5, 0.5, 0.5, 0.81, 0.85, 0.88) == "left"


@pytest.mark.parametrize(("tall", "lon"), [(0.3, -87.02), (0.3, -87.38), (3, -87.05), (3, -87.35)])
def test_the_name_of_a_site_stays_on_the_map_s_sheet(tall, lon):
    """A wide map and a narrow one, of which the sheet's height leaves no more; sites near both sides."""
    areas = gpd.GeoDataFrame({"zip": ["46304"], "share": [0.2]}, geometry=[box(-87.4, 41.5, -87.0, 41.5 + tall)], crs=4326)
    sites = pd.DataFrame({"name": ["Dunes Regional Hospital of Porter County"], "lat": [41.6], "lon": [lon]})
    fig = maps.choropleth(areas, "share", bins=[0.1], label="zip", sites=sites).fig
    [name] = [text for text in fig.axes[0].texts if text.get_text().startswith("Dunes")]
    canvas = FigureCanvasAgg(fig)
    canvas.draw()  # the axes take the shape of the map
    extent = name.get_window_extent(canvas.get_renderer())
    assert extent.x0 >= 0
    assert extent.x1 <= maps.MAP_WIDTH + 4


def test_no_front_end_typesets_the_dollars_of_a_block():
    """MathJax 2 (nbviewer) and 3 (JupyterLab) pass over elements of these classes."""
    shown = Block("<p>$660 K is in, forecast $1.25 M</p>", {"kind": "notice"})._repr_mimebundle_()["text/html"]
    inner = shown.partition('class="catchment-block tex2jax_ignore mathjax_ignore">')[2]
    assert inner.startswith("<p>$660 K")
    assert document.lab.bare(f"<main>{shown}</main>") == "<main><p>$660 K is in, forecast $1.25 M</p></main>"
