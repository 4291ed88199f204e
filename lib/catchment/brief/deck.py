"""The executive brief as a PowerPoint deck: native tables and charts that can be edited, conclusions as titles, sources in the notes.

Everything is read from the records of the executed brief, so a slide can say nothing that the page does not. Equal pages give equal
bytes: the times that the format stamps into its parts are set to the day that the data end.
"""

import io
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nbformat import NotebookNode
from pptx import Presentation
from pptx.chart.chart import Chart
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.presentation import Presentation as Deck
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide
from pptx.table import _Cell
from pptx.text.text import TextFrame
from pptx.util import Inches, Pt

from catchment import words
from catchment.page import theme
from catchment.page.document import records, summary
from catchment.params.settings import Settings

from . import findings

WIDTH, HEIGHT, EDGE = 13.333, 7.5, 0.6  # inches
TOP, BOTTOM = 1.55, 6.75  # of the part below the title
BARS = 12
LEAST = 11  # points: the smallest type of a table
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can tell


@dataclass
class _Slide:
    """One slide: its conclusion, what stands under it, the body (a table or a chart) and what the notes say."""

    title: str
    subtitle: str = ""
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    chart: Any = None
    notes: list[str] = field(default_factory=list)


def build(notebook: NotebookNode, settings: Settings) -> bytes:
    """The deck of an executed brief.

    Raises
    ------
    ValueError
        The notebook is not the brief: it has no chosen findings.
    """
    told = list(records(notebook))
    slides = [part for slide in _slides(told, settings) for part in _fitting(slide)]
    deck = _blank(settings)
    simulated = bool(summary(notebook)["simulated"])
    for number, slide in enumerate(slides, start=1):
        _draw(deck, slide, settings, number=number, simulated=simulated)
    written = io.BytesIO()
    deck.save(written)
    return _settled(written.getvalue(), settings.as_of.isoformat())


def _slides(told: list[dict], settings: Settings) -> Iterator[_Slide]:
    chosen = next((record["chosen"] for record in told if "chosen" in record), None)
    if chosen is None:
        raise ValueError("a deck is made of the executive brief, and this notebook has no chosen findings")
    silent = [text.replace("**", "") for record in told if record["kind"] == "notice" for text in record["texts"]]
    yield _headlines([card for record in told for card in record.get("kpis", [])], settings, silent)
    if chosen:
        yield _findings(chosen, settings, silent)
    for record in told:
        if record["kind"] == "figure" and "data" in record:
            yield _figure(record, settings)
    for record in told:
        if record["kind"] == "table" and "data" in record:
            yield _table(record)


def _headlines(cards: list[dict], settings: Settings, silent: list[str]) -> _Slide:
    goals = [met for card in cards if (met := words.reached(card["goal"])) is not None]
    missed = goals.count(False)
    some = f"{words.count(missed)} of {words.plural(len(goals), 'headline goal')} missed"
    title = f"{settings.name}: {some}" if goals else f"{settings.name}: the headline numbers, none of them with a goal"
    rows = [[card["label"], card["value"], card["change"] or "none", card["goal"] or "none", card["since"]] for card in cards]
    subtitle = f"Executive brief, data through {settings.as_of:%B} {settings.as_of.day}, {settings.as_of.year}"
    # Which report is missing stands on the slide, why in the notes.
    subtitle = ". ".join([subtitle, *(text.partition(":")[0] for text in silent)])
    return _Slide(title, subtitle, ["Number", "Now", "Change", "Goal or range", "Since the last run"], rows, [3.2, 1.4, 2.8, 2.6, 2.1],
                  notes=["Cards of the partner's reports. A movement since the last run compares with the last published version that gave "
                         "other numbers.", *silent])  # fmt: skip


def _findings(chosen: list[dict], settings: Settings, silent: list[str]) -> _Slide:
    rows = []
    for row in chosen:
        head, why = findings.parts(row["text"])
        rows.append([head, why or "none", row["so"] or "none", row["short"]])
    notes = [
        "Chosen by size x certainty x change from the findings of all reports.",
        *(f"{i}. {row['evidence']} {row['where']} ({row['address']})." for i, row in enumerate(chosen, start=1)),
    ]
    return _Slide(
        rows[0][0],
        f"What happened, why and so what: the findings of all reports on {settings.name} that matter most",
        ["What happened", "Behind it", "So what", "How large, how sure"],
        rows,
        [3.3, 3.3, 2.9, 2.6],
        notes=notes + silent,
    )


def _figure(record: dict, settings: Settings) -> _Slide:
    data = record["data"]
    chart = _trend(data, settings) if "year" in data else _worth(data) if "npv_usd" in data else _shares(data, settings)
    hidden = " Bars: the largest shares that may be shown." if chart.kind == "shares" else ""
    return _Slide(record["title"], record["subtitle"], chart=chart, notes=[f"Source: {record['source']}.", record["note"] + hidden])


def _table(record: dict) -> _Slide:
    head, columns = list(record["data"]), list(record["data"].values())
    rows = [[_text(value) for value in row] for row in zip(*columns, strict=True)]
    titles = [record["labels"].get(name, name.replace("_", " ").capitalize()) for name in head]
    # As wide as the longest text asks for, within what one line of a narrow and of a wide column holds.
    asked = [min(max(12, *(len(text) for text in [title, *(row[i] for row in rows)])), 45) + 4 for i, title in enumerate(titles)]
    widths = [(WIDTH - 2 * EDGE) * letters / sum(asked) for letters in asked]
    return _Slide(record["title"], record["subtitle"], titles, rows, widths, notes=[f"Source: {record['source']}.", record["note"]])


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else words.number(value)


# Charts: values as they are, formatted by the chart itself so that they stay editable.


@dataclass(frozen=True)
class _Chart:
    kind: str
    type: Any
    categories: list[str]
    series: dict[str, list[float | None]]
    format: str
    accent: str = ""


def _trend(data: dict, settings: Settings) -> _Chart:
    years = sorted(set(data["year"]))
    values: dict[str, dict] = {}
    for system, year, share in zip(data["system"], data["year"], data["share"], strict=True):
        values.setdefault(system, {})[year] = share
    return _Chart(
        "trend",
        XL_CHART_TYPE.LINE_MARKERS,
        [str(year) for year in years],
        {system: [by.get(year) for year in years] for system, by in values.items()},
        "0%",
        settings.name,
    )


def _worth(data: dict) -> _Chart:
    return _Chart(
        "worth", XL_CHART_TYPE.BAR_CLUSTERED, data["scenario"], {"Net present value": data["npv_usd"]}, '[>=0]$#,##0.0,,"M";-$#,##0.0,,"M"'
    )


def _shares(data: dict, settings: Settings) -> _Chart:
    known = [
        (f"{zip_code} {city}", share)
        for zip_code, city, share in zip(data["zip"], data["city"], data["share"], strict=True)
        if share is not None
    ][:BARS]
    return _Chart(
        "shares",
        XL_CHART_TYPE.BAR_CLUSTERED,
        [name for name, _ in known],
        {f"Share of {settings.name}": [share for _, share in known]},
        "0.0%",
    )


# Drawing.


def _blank(settings: Settings) -> Deck:
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    layout: Any = deck.slide_layouts.get_by_name("Title Only")
    for shape in layout.placeholders:
        if shape.placeholder_format.type is not None and shape.placeholder_format.idx == 0:
            shape.left, shape.top, shape.width, shape.height = Inches(EDGE), Inches(0.35), Inches(WIDTH - 2 * EDGE), Inches(0.8)
        else:
            shape.element.getparent().remove(shape.element)
    day = datetime.combine(settings.as_of, datetime.min.time())
    about = deck.core_properties
    about.title, about.author, about.last_modified_by, about.revision = (
        f"Executive brief: {settings.name}",
        settings.program,
        settings.program,
        1,
    )
    about.created = about.modified = about.last_printed = day
    return deck


def _draw(deck: Deck, slide: _Slide, settings: Settings, *, number: int, simulated: bool) -> None:
    page = deck.slides.add_slide(deck.slide_layouts.get_by_name("Title Only"))
    frame = page.shapes.title.text_frame
    frame.text, frame.word_wrap, frame.vertical_anchor = slide.title, True, MSO_ANCHOR.BOTTOM
    _write(frame, size=26 if len(slide.title) <= 75 else 20, color=theme.ACCENT, bold=True)
    _note(page, slide.subtitle, EDGE, 1.14, WIDTH - 2 * EDGE, size=13, color=theme.MUTED)
    if slide.chart is not None and any(value is not None for values in slide.chart.series.values() for value in values):
        _put_chart(page, slide)
    elif slide.rows:
        _put_table(page, slide)
    else:
        _note(
            page, "Nothing may be shown: every value rests on 1 to 10 patients.", EDGE, TOP + 1, WIDTH - 2 * EDGE, size=16, color=theme.INK
        )
    label = "Simulated data, invented for this demonstration: not observed." if simulated else ""
    _note(page, label, EDGE, 6.95, 7.0, size=10, color=theme.WARN, bold=True)
    _note(
        page,
        f"{settings.program} · {settings.name} · {number}",
        WIDTH - EDGE - 5.0,
        6.95,
        5.0,
        size=10,
        color=theme.MUTED,
        align=PP_ALIGN.RIGHT,
    )
    page.notes_slide.notes_text_frame.text = "\n".join(text for text in (slide.subtitle, *slide.notes, label) if text)


def _note(
    page: Slide,
    text: str,
    left: float,
    top: float,
    width: float,
    *,
    size: int,
    color: str,
    bold: bool = False,
    align: PP_ALIGN = PP_ALIGN.LEFT,
) -> None:
    if not text:
        return
    box = page.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(0.35))
    box.text_frame.text, box.text_frame.word_wrap = text, True
    _write(box.text_frame, size=size, color=color, bold=bold, align=align)


def _write(frame: TextFrame, *, size: float, color: str, bold: bool = False, align: PP_ALIGN = PP_ALIGN.LEFT) -> None:
    for paragraph in frame.paragraphs:
        paragraph.alignment = align
        for run in paragraph.runs:
            run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, _rgb(color)


def _rgb(color: str) -> RGBColor:
    return RGBColor.from_string(color.lstrip("#").upper())


def _put_table(page: Slide, slide: _Slide) -> None:
    size = _size(slide)
    heights = [_row_height(row, slide.widths, size) for row in [slide.head, *slide.rows]]
    shape = page.shapes.add_table(
        len(heights), len(slide.head), Inches(EDGE), Inches(TOP + 0.1), Inches(sum(slide.widths)), Inches(sum(heights))
    )
    _described(shape, slide)
    table: Any = shape.table
    for column, width in zip(table.columns, slide.widths, strict=True):
        column.width = Inches(width)
    for i, (row, height) in enumerate(zip([slide.head, *slide.rows], heights, strict=True)):
        table.rows[i].height = Inches(height)
        for j, text in enumerate(row):
            _put_cell(table.cell(i, j), text, size, head=i == 0, strong=j == 0, banded=i % 2 == 0)


def _put_cell(cell: _Cell, text: str, size: float, *, head: bool, strong: bool, banded: bool) -> None:
    cell.text, cell.vertical_anchor = text, MSO_ANCHOR.MIDDLE
    cell.margin_left = cell.margin_right = Inches(0.08)
    cell.margin_top = cell.margin_bottom = Inches(0.03)
    cell.fill.solid()
    cell.fill.fore_color.rgb = _rgb(theme.ACCENT if head else theme.LIGHT["wash"] if banded else theme.PAPER)
    _write(cell.text_frame, size=size, color=theme.PAPER if head else theme.INK, bold=head or strong)


def _row_height(row: list[str], widths: list[float], size: float) -> float:
    """Inches that a row takes: its longest cell broken into lines, a letter taken as 0.54 of the font's size wide."""
    lines = [math.ceil(len(text) * 0.54 * size / 72 / (width - 0.16)) for text, width in zip(row, widths, strict=True)]
    return max([1, *lines]) * size * 1.22 / 72 + 0.08


def _size(slide: _Slide) -> float:
    """The largest type with which the table fits."""
    fits = [size for size in (16, 14, 13, 12, LEAST) if _total(slide, slide.rows, size) <= BOTTOM - TOP - 0.1]
    return fits[0] if fits else LEAST


def _total(slide: _Slide, rows: list[list[str]], size: float) -> float:
    return sum(_row_height(row, slide.widths, size) for row in [slide.head, *rows])


def _fitting(slide: _Slide) -> Iterator[_Slide]:
    """The slide, or several where its table is too long for one."""
    parts: list[list[list[str]]] = [[]]
    for row in slide.rows:
        if parts[-1] and _total(slide, [*parts[-1], row], LEAST) > BOTTOM - TOP - 0.1:
            parts.append([])
        parts[-1].append(row)
    for i, rows in enumerate(parts):
        more = f" ({i + 1} of {len(parts)})" if len(parts) > 1 else ""
        yield _Slide(slide.title, slide.subtitle + more, slide.head, rows, slide.widths, slide.chart, slide.notes)


def _put_chart(page: Slide, slide: _Slide) -> None:
    chart = slide.chart
    data: Any = CategoryChartData(number_format=chart.format)
    data.categories = [_plain(name) for name in chart.categories]
    for name, values in chart.series.items():
        data.add_series(_plain(name), values)
    shape: Any = page.shapes.add_chart(chart.type, Inches(EDGE), Inches(TOP), Inches(WIDTH - 2 * EDGE), Inches(BOTTOM - TOP), data)
    _described(shape, slide)
    drawn = shape.chart
    drawn.font.size, drawn.font.color.rgb = Pt(12), _rgb(theme.INK)
    drawn.has_title = False
    drawn.has_legend = len(chart.series) > 1
    if drawn.has_legend:
        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.RIGHT, False
    drawn.value_axis.tick_labels.number_format, drawn.value_axis.tick_labels.number_format_is_linked = chart.format, False
    drawn.value_axis.major_gridlines.format.line.color.rgb = _rgb(theme.RULE)
    if chart.kind == "trend":
        _lines(drawn, chart)
    else:
        _bars(drawn)


def _lines(drawn: Chart, chart: _Chart) -> None:
    drawn.value_axis.minimum_scale = 0
    grays = [theme.CONTEXT, theme.CATEGORIES[1], theme.CATEGORIES[2], theme.CATEGORIES[5], theme.CATEGORIES[3]]
    for i, series in enumerate(drawn.plots[0].series):
        ours = series.name == _plain(chart.accent)
        color = _rgb(theme.ACCENT if ours else grays[i % len(grays)])
        series.format.line.color.rgb, series.format.line.width, series.smooth = color, Pt(3.5 if ours else 1.5), False
        series.marker.format.fill.solid()
        series.marker.format.fill.fore_color.rgb = series.marker.format.line.color.rgb = color
        if ours:
            for place in (0, len(series.values) - 1):
                label = series.points[place].data_label
                label.has_text_frame, label.position = True, _beside(chart, place)
                label.text_frame.text = words.share(series.values[place])
                _write(label.text_frame, size=12, color=theme.ACCENT, bold=True)


def _beside(chart: _Chart, place: int) -> XL_LABEL_POSITION:
    """The side of our point on which no other line is near."""
    ours = chart.series[chart.accent][place] or 0.0
    away = [other - ours for name, values in chart.series.items() if name != chart.accent and (other := values[place]) is not None]
    nearest = min(away, key=abs, default=0.0)
    return XL_LABEL_POSITION.ABOVE if nearest < 0 else XL_LABEL_POSITION.BELOW


def _bars(drawn: Chart) -> None:
    drawn.category_axis.reverse_order = True  # first on top, as on the page
    drawn.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    drawn.value_axis.visible = drawn.value_axis.has_major_gridlines = False
    plot = drawn.plots[0]
    plot.gap_width, plot.has_data_labels = 45, True
    plot.data_labels.show_value, plot.data_labels.position = True, XL_LABEL_POSITION.OUTSIDE_END
    series = plot.series[0]
    series.invert_if_negative = False
    series.format.fill.solid()
    series.format.fill.fore_color.rgb = _rgb(theme.ACCENT)


def _plain(name: str) -> str:
    """A name as the chart's worksheet takes it: text that would start a formula or a link there gets a blank before it."""
    text = str(name)
    return f" {text}" if text.startswith(("=", "+", "-", "@", "{")) or "://" in text else text


def _described(shape: GraphicFrame, slide: _Slide) -> None:
    """The text that a screen reader says in place of a table or chart."""
    shape._element.nvGraphicFramePr.cNvPr.set("descr", f"{slide.title}. {slide.subtitle}")


def _settled(deck: bytes, day: str) -> bytes:
    """The same parts with one fixed time, inside charts' worksheets too."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(deck)) as parts, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as out:
        for part in parts.infolist():
            content = parts.read(part)
            if part.filename.endswith(".xlsx"):
                content = _settled(content, day)
            elif part.filename == "docProps/core.xml":
                content = _dated(content, day)
            out.writestr(zipfile.ZipInfo(part.filename, EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _dated(core: bytes, day: str) -> bytes:
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{day}T00:00:00Z".encode(), core)
