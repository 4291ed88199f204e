"""The deck of the brief: native charts with the page's numbers, titles, notes, bounds, escaping, equal bytes."""

import io
import time
import zipfile
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from pptx import Presentation
from pptx.enum.chart import XL_LABEL_POSITION
from test_blocks import Origins

from catchment import params
from catchment.brief import deck, findings, selection
from catchment.page import Exhibit, Kpi, Report, plots

TRICK = "=cmd|' /C calc'!A0 <b>&"
FINDINGS = [{"text": f"**Finding {i} has a conclusion {TRICK}.** " + "It rests on many words. " * 6, "exhibit": "fig-2", "size": 0.0, "certainty": 0.9, "change": 1.0, "usd": None,
             "cases": 90.0 - i, "basis": "p 0.01", "since": "2019", "so": "So much follows from it that it takes two lines to say."} for i in range(7)]  # fmt: skip


@pytest.fixture(scope="module")
def settings():
    return params.load("dunes")


@pytest.fixture(scope="module")
def notebook(settings):
    """An executed brief in small: the blocks that the real one shows."""
    report = Report(settings, Origins(simulated=True, suppress_below=None), portable=True)
    pages = {f"0{i}": {"title": "A page", "findings": FINDINGS[2 * i : 2 * i + 2], "numbers": []} for i in range(4)}
    chosen = selection.chosen(selection.scored(selection.gathered(pages), cases=600))
    zips = pd.DataFrame({"zip": ["46304", "46360", "46350"], "city": [TRICK, "Michigan City", "La Porte"], "share": [0.31, 0.0825, None]})
    years = pd.DataFrame(
        {"year": [2022, 2023] * 2, "system": [settings.name, settings.name, "Alder", "Alder"], "share": [0.1, 0.12, 0.4, 0.39]}
    )
    worth = pd.DataFrame({"scenario": ["Base", "Stress"], "npv_usd": [3.4e6, -3.4e6]})
    asks = pd.DataFrame(
        {
            "decision": [f"Decide number {i}, a matter that takes some words to describe" for i in range(30)],
            "by": "Jan 25, 2026",
            "amount": "$150 K",
        }
    )

    def exhibit(key, frame, title, **more):
        return Exhibit(key, report.protect(frame, sources=["x"]), title, "What it is", sources=["x"], room="brief", **more)

    shown = [
        report.kpis(Kpi("Analytic cases", "640", "▲ 1 %", "Goal 600: met", "good"), Kpi("Standards met", "35 of 37", "1 at risk", "Gate: blocked", "bad")),
        report.notices([f"**Giving** has nothing {TRICK}"]), findings.told(chosen, below=11),
        report.figure(plots.bars(zips.dropna(), "city", "share"), exhibit("zips", zips, "Half of the ZIPs give us little", note="Hidden ZIPs are left out.")),
        report.figure(plots.trend(years, "year", "share", group="system"), exhibit("trend", years, "Our share rose")),
        report.figure(plots.bars(worth, "scenario", "npv_usd"), exhibit("worth", worth, "The plan earns its cost in 1 of 2 scenarios", names=["1 of 2"])),
        report.table(exhibit("asks", asks, "Decisions, earliest first")),
    ]  # fmt: skip
    cells = [
        nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("display_data", data=block._repr_mimebundle_())]) for block in shown
    ]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture(scope="module")
def made(notebook, settings):
    return deck.build(notebook, settings)


@pytest.fixture(scope="module")
def slides(made):
    return list(Presentation(io.BytesIO(made)).slides)


def charts(slides):
    return [shape.chart for slide in slides for shape in slide.shapes if shape.has_chart]


def tables(slides):
    return [
        [[cell.text for cell in row.cells] for row in shape.table.rows] for slide in slides for shape in slide.shapes if shape.has_table
    ]


def test_titles_are_conclusions(slides, settings):
    titles = [slide.shapes.title.text for slide in slides]
    assert titles[0] == f"{settings.name}: 0 of 1 headline goal missed"
    assert titles[1].startswith("Finding 0 has a conclusion")
    assert [title for title in titles if "ZIPs" in title or "share" in title or "scenarios" in title] == [
        "Half of the ZIPs give us little",
        "Our share rose",
        "The plan earns its cost in 1 of 2 scenarios",
    ]
    assert all(titles)
    assert any(shape.has_text_frame and "Giving has nothing" in shape.text_frame.text for shape in slides[0].shapes), (
        "what is missing stands on the slide"
    )


def test_charts_are_native_and_hold_the_pages_numbers(slides):
    zips, trend, worth = charts(slides)
    assert list(zips.plots[0].series[0].values) == [0.31, 0.0825], "what is hidden has no bar"
    assert {series.name: list(series.values) for series in trend.plots[0].series} == {
        "Dunes Regional Hospital": [0.1, 0.12],
        "Alder": [0.4, 0.39],
    }
    assert list(trend.plots[0].categories) == ["2022", "2023"]
    assert dict(zip(worth.plots[0].categories, worth.plots[0].series[0].values, strict=True)) == {"Base": 3.4e6, "Stress": -3.4e6}


def test_labels_of_our_line_keep_away_from_the_nearest_other_one(slides):
    labels = [charts(slides)[1].plots[0].series[0].points[place].data_label for place in (0, 1)]
    assert [label.position for label in labels] == [XL_LABEL_POSITION.BELOW] * 2, "the other line is above"
    near = deck._Chart("trend", None, ["2022", "2023"], {"We": [0.2, 0.1], "A": [0.3, 0.09], "B": [0.19, None]}, "0%", "We")
    assert [deck._beside(near, place) for place in (0, 1)] == [XL_LABEL_POSITION.ABOVE] * 2


def test_tables_are_native_and_long_ones_go_on(slides):
    by_head = {name: [rows[1:] for rows in tables(slides) if rows[0][0] == name] for name in ("Number", "What happened", "Decision")}
    assert by_head["Number"][0][0][:2] == ["Analytic cases", "640"]
    assert sum(map(len, by_head["What happened"])) == 7
    assert sum(map(len, by_head["Decision"])) == 30
    assert len(by_head["Decision"]) > 1


def test_notes_tell_sources_and_every_slide_that_it_is_simulated(slides):
    for slide in slides:
        notes = slide.notes_slide.notes_text_frame.text
        assert "Simulated data" in notes
        assert any("Simulated data" in shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
    pictured = [slide.notes_slide.notes_text_frame.text for slide in slides if any(shape.has_chart for shape in slide.shapes)]
    assert all("Source: " in notes for notes in pictured)
    assert "Hidden ZIPs are left out." in pictured[0]


def test_nothing_stands_outside_of_its_slide(made):
    opened = Presentation(io.BytesIO(made))
    for slide in opened.slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= opened.slide_width
            assert shape.top + shape.height <= opened.slide_height, (slide.shapes.title.text, shape.name)


def test_texts_stay_texts(made, slides):
    assert any(TRICK in cell for rows in tables(slides) for row in rows for cell in row)
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        sheets = [zipfile.ZipFile(io.BytesIO(parts.read(name))) for name in parts.namelist() if name.endswith(".xlsx")]
    assert len(sheets) == 3
    for sheet in sheets:
        assert b"<f>" not in sheet.read("xl/worksheets/sheet1.xml"), "a formula in a chart's worksheet"


def test_the_same_page_gives_the_same_bytes(made, notebook, settings, monkeypatch):
    later = time.localtime(time.time() + 86_400)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    assert deck.build(notebook, settings) == made


def test_another_page_has_no_deck(settings):
    with pytest.raises(ValueError, match="no chosen findings"):
        deck.build(SimpleNamespace(cells=[]), settings)
