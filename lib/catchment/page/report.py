"""What a notebook shows: takeaways, KPI cards, figures, tables, notices, assumptions, sources.

Each block is HTML for the page and for JupyterLab, plus a small JSON record (kind, texts, sources, simulated, stale) that the renderer,
the index and the brief read. A figure is refused when it was drawn from counts that its table has to hide.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

from catchment import units
from catchment.params import Settings
from catchment.protect import disclosure, published, rounding, safe_harbor
from catchment.protect.spoken import DisclosureError, Spoken

from . import download, markdown, marks, svg, tables
from .blocks import Block, Ending, Finding, Kpi
from .canvas import Plot
from .exhibit import PASSED, Exhibit

if TYPE_CHECKING:  # loading DuckDB takes a second that a page of texts need not wait for
    from catchment.data.load import Tables
    from catchment.data.origin import Origin

PEOPLE = ("patients", "cases", "referrals", "visits")  # units of recorded numbers that count people
SMALLEST = 11  # counts of 1 to 10 people stay on the page that hides them


class Report:
    """One page in the making: knows the partner's settings, the tables in use and the number of the next figure.

    The records of a `portable` one carry what its figures and tables show, for another format than the page.
    """

    def __init__(self, settings: Settings, tables: "Tables", *, portable: bool = False) -> None:
        self.settings, self.tables, self.portable = settings, tables, portable
        self._figures, self._spoken = count(1), Spoken()
        self._keys: dict[str, int | None] = {}
        self._tables: set[str] = set()

    def takeaways(self, *sentences: str | Finding) -> Block:
        """The page in a few computed sentences, the conclusion of each in **bold**."""
        findings = [item if isinstance(item, Finding) else Finding(item) for item in sentences]
        self._spoken.say("a takeaway", *(finding.text for finding in findings), below=self.threshold())
        items = "".join(f"<li>{markdown.inline(finding.text)}</li>" for finding in findings)
        return Block(
            f'<ol class="takeaways">{items}</ol>',
            {"kind": "takeaways", "texts": [f.text for f in findings], "findings": [f.record() for f in findings]},
        )

    def kpis(self, *cards: Kpi) -> Block:
        """Three to five cards."""
        if not 1 <= len(cards) <= 5:
            raise ValueError(f"a KPI strip has at most five cards, not {len(cards)}")
        self._spoken.say(
            "a KPI card", *(f"{card.label}: {card.value}, {card.change}, {card.goal}" for card in cards), below=self.threshold()
        )
        html = "".join(
            f'<div class="kpi {card.status}"><dt>{marks.escape(card.label)}</dt>'
            f"<dd><b>{marks.marked(card.value)}</b>{_lines(card)}</dd></div>"
            for card in cards
        )
        return Block(f'<dl class="kpis">{html}</dl>', {"kind": "kpis", "kpis": [asdict(card) for card in cards]})

    def figure(self, plot: Plot | Figure, made: Exhibit, *, number: int | None = None) -> Block:
        """A drawing of an exhibit, with its finding as title, what it measures as subtitle, its data table and its sources.

        A figure that is drawn again keeps the `number` that it took with `next_number`.

        Raises
        ------
        DisclosureError
            Title, note or hover text say what the page hides.
        ValueError
            Another exhibit of the page has the same key.
        """
        drawn, n = plot if isinstance(plot, Plot) else Plot(plot), self.next_number() if number is None else number
        anchor, safe, title, subtitle = self._place(made, n), _plain_frame(made.shown), made.title, made.subtitle
        below = self.threshold(made.sources)
        self._spoken.say(f"figure {n}", title, subtitle, made.note, *drawn.tips.values(), below=below, beside=safe)
        if drawn.fig is None:
            title, subtitle = subtitle, f"Nothing to draw: {drawn.missing}."
        shown, labels = tables.written(safe), made.headings
        html = (
            f'<figure id="{anchor}"><figcaption><strong>{marks.marked(title)}</strong><span>{marks.marked(subtitle)}</span></figcaption>'
            f"{self._picture(drawn, n, made.alt or f'{title}. {subtitle}. The numbers are in the table below.')}"
            f"{self._behind(shown, n, subtitle if drawn.fig else title, labels)}"
            f"{self._under(made.sources, made.note, shown, *drawn.tips.values(), title, subtitle)}</figure>"
        )
        record = {"kind": "figure", "id": anchor, "number": n, "title": title, "subtitle": subtitle}
        return Block(html, record | self._told(made, safe, title))

    def next_number(self) -> int:
        """Take the number of the next figure."""
        return next(self._figures)

    def number(self, key: str) -> int:
        """The number of the figure with this key, which must stand above."""
        if (number := self._keys.get(key)) is None:
            raise ValueError(f"no figure {key!r} stands above (known: {', '.join(self._keys) or 'none'})")
        return number

    def _place(self, made: Exhibit, number: int | None = None) -> str:
        """The exhibit's address within the page: its key, which only one may have; a figure may be drawn again under its number."""
        if self._keys.setdefault(made.key, number) != number or (number is None and made.key in self._tables):
            raise ValueError(f"two exhibits of this page have the key {made.key!r}")
        self._tables |= {made.key} if number is None else set()
        return made.key

    @staticmethod
    def _picture(drawn: Plot, n: int, alt: str) -> str:
        if drawn.fig is None:
            return ""
        picture = svg.render(drawn.fig, alt, tips=drawn.tips, prefix=f"f{n}")
        return f'<div class="plot" tabindex="0" role="group" aria-label="Figure {n}">{picture}</div>'

    @staticmethod
    def _behind(shown: tables.Written, n: int, caption: str, labels: dict[str, str]) -> str:
        if shown.frame.empty:
            return ""
        file = download.link(shown, caption, f"Figure {n}", labels=labels)
        return f"<details><summary>Data behind figure {n}</summary>{tables.render(shown, caption, labels=labels)}{file}</details>"

    def table(self, made: Exhibit) -> Block:
        """A table; beyond the exhibit's `most` rows the first ones are shown and the whole is folded below.

        What is missing in its `inapplicable` columns reads [z], not applicable, and elsewhere [x], not available.
        """
        anchor, caption, labels, safe = self._place(made), made.title, made.headings, _plain_frame(made.shown)
        self._spoken.say(f"table “{caption}”", caption, made.note, below=self.threshold(made.sources))
        shown = tables.written(safe, inapplicable=made.inapplicable)
        under = self._under(made.sources, made.note, shown)
        if safe.empty:
            html = f"<p><strong>{marks.escape(caption)}.</strong> Nothing is on record.</p>"
        else:
            strong = tables.emphasis(safe, made.emphasize)
            html = tables.render(shown.head(made.most), caption, labels=labels, emphasize=strong.head(made.most))
            if len(safe) > made.most:
                every = tables.render(shown, f"{caption}: all rows", labels=labels, emphasize=strong)
                html += f"<details><summary>All {len(safe):,} rows</summary>{every}</details>"
            html += download.link(shown, caption, "This table", labels=labels)
        record = {"kind": "table", "id": anchor, "title": caption, "subtitle": ""}
        return Block(f'<div class="exhibit" id="{anchor}">{html}{under}</div>', record | self._told(made, safe, caption))

    def _told(self, made: Exhibit, safe: pd.DataFrame, title: str) -> dict:
        """What the page's record says of an exhibit beside its words."""
        cells, values = self._published(safe, title, made.sources), self._values(safe, made.sources, made.note, made.headings)
        return {"claims": made.record()["claims"], **self._origins(made.sources), **cells, **values}

    def notice(self, text: str) -> Block:
        """What cannot be said, and why."""
        return Block(f'<p class="notice" role="note">{markdown.inline(text)}</p>', {"kind": "notice", "texts": [text]})

    def notices(self, texts: Sequence[str]) -> Block:
        """Several of them, or nothing."""
        return Block("".join(self.notice(text).html for text in texts), {"kind": "notice", "texts": list(texts)})

    def end(self, reason: str, *, when: bool = True) -> Block:
        """Close the page here with a notice when `when` holds: what follows is neither run nor shown. Otherwise shows nothing."""
        return Ending(self.notice(reason)) if when else Block("", {"kind": "end"})

    def method(self, text: str) -> Block:
        """How it was done, in markdown."""
        return Block(f'<div class="method">{markdown.html(text)}</div>', {"kind": "method"})

    def record(self, name: str, value: float, unit: str, period: str, *, part_of: str = "") -> Block:
        """A key number under its portfolio-wide name; the executive brief checks that all notebooks agree on it.

        `part_of` names a number that this one is a part of, so it may not be larger.
        """
        return Block("", {"kind": "number", "numbers": [_number(name, value, unit, period, part_of)]})

    def records(self, numbers: Mapping[str, tuple]) -> Block:
        """Several key numbers: name -> value, unit, period and, where it is a part of another number, that one's name."""
        return Block("", {"kind": "number", "numbers": [_number(name, *said) for name, said in numbers.items()]})

    def assumptions(self, *sections: str) -> Block:
        """Every threshold, benchmark and conversion factor in use, with its source; the partner's own are emphasized."""
        frame = self.settings.assumptions(*sections)
        own = frame["overridden"].astype(bool)
        shown = frame.drop(columns="overridden").assign(
            value=[units.of("text", None).bare(value) if isinstance(value, str) else _plain(value) for value in frame["value"]]
        )
        html = tables.render(
            tables.written(shown), "Assumptions; this partner's own are emphasized", labels={"key": "Assumption"}, emphasize=own
        )
        return Block(
            f"<details><summary>{len(frame)} assumptions: value, unit, source, date, confidence</summary>{html}</details>",
            {"kind": "assumptions"},
        )

    def sources(self) -> Block:
        """Every table that the page used: producer, edition, dates, license, fingerprint."""
        items = "".join(f"<li>{_origin(origin)}</li>" for origin in self.tables.used)
        vintages = [
            {"title": each.title, "period": str(each.period), "published": str(each.published or ""), "simulated": each.simulated}
            for each in self.tables.used
        ]
        return Block(f'<ul class="sources">{items}</ul>', {"kind": "sources", "vintages": vintages})

    def protect(
        self, frame: pd.DataFrame, *, sources: Sequence[str], derive: rounding.Derive | None = None, kept: Sequence[str] = (),
        order: str | None = None, by: str | Sequence[str] | None = None, margins: Sequence[str] = (), like: pd.DataFrame | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """The frame as this page may show it; draw and tabulate from this, and compute titles from it.

        On leadership pages counts of a partner's own patients are hidden when small and otherwise rounded (`protect.rounding`): say how
        the other numbers are derived from the counts (`derive`), which tell nothing of them (`kept`), and by which column rows are put
        in order (`order`). Published tables keep their numbers, and internal pages exact counts of the threshold and more.

        Without `derive`, `kept` or `order`, a frame that holds other numbers beside counts is protected by suppression: a reader is taken
        to know the total of each count column; with `by` that of each group, with `margins` those of each value of each of these columns;
        with `by` the column that names each row, no total. Rows that `like`, a protected frame of the same people, hides are hidden too.
        """
        below = self.threshold(sources)
        if below and (wrong := safe_harbor.identifying(frame)):
            raise DisclosureError(
                f"column {wrong[0]!r} shows ages over 89 or sparse ZIP areas: use safe_harbor.age_group or safe_harbor.zip3"
            )
        if derive or kept or order:
            base = rounding.BASE if self._rounds(sources) else 1
            try:
                safe = self._shown(frame, rounding.protect(frame, below=below, base=base, derive=derive, kept=kept))
            except rounding.Undeclared as error:
                raise DisclosureError(str(error)) from None
            # What was hidden is remembered row by row, so rows are put in order afterwards.
            return rounding.ordered(safe, order) if order else safe
        counts = [column for column in frame.columns if units.is_people(str(column))]
        if not (below and counts):
            return _passed(frame)
        shared = (
            [] if like is None else [name for name in frame.columns if name in like.columns and published.names_a_row(frame, str(name))]
        )
        hide = disclosure.alike(frame, like, shared) if shared else None
        safe = disclosure.protect(frame, counts, below=below, by=by, margins=margins, hide=hide)
        return self._shown(frame, safe)

    def _shown(self, frame: pd.DataFrame, safe: pd.DataFrame) -> pd.DataFrame:
        """Remember what is hidden, for the sentences of the page; mark the frame as one that an exhibit may show."""
        if len(frame) == len(safe) and frame.index.equals(safe.index):
            self._spoken.hide(frame, safe)
        return _passed(safe)

    def _rounds(self, sources: Sequence[str]) -> bool:
        """Whether counts from these tables are rounded here: a partner's own, on a page for leadership."""
        return self.settings.audience == "leadership" and any(self.tables.origin(name).private for name in sources)

    def people(self, value: float, *, sources: Sequence[str]) -> float:
        """One count of people as this page may say it: rounded like those of its exhibits, NaN where it may not be said."""
        below = self.threshold(sources)
        if not below:
            return value
        return rounding.people(value, below=below, base=rounding.BASE if self._rounds(sources) else 1)

    def threshold(self, sources: Sequence[str] | None = None) -> int:
        """The least count of people that these tables, or all that the page has read, let show: 11 mostly, 0 where every count may be.

        What an analysis leaves out or pools for the sake of privacy asks for this number; no module types it in.
        """
        origins = self.tables.used if sources is None else [self.tables.origin(name) for name in sources]
        return max((origin.suppress_below or 0 for origin in origins), default=0)

    def _published(self, frame: pd.DataFrame, title: str, sources: Sequence[str]) -> dict:
        """The exact counts that a reader sees, for the audit of everything that is published; rounded ones do not add up to anything."""
        if frame.attrs.get(rounding.ROUNDED):
            return {}
        guarded = [name for name in sources if self.tables.origin(name).suppress_below]
        data = " ".join(self.tables.origin(name).sha8 for name in sorted(guarded))
        found = published.cells(frame, title, sources=guarded, below=self.threshold(sources), data=data.strip())
        return {"cells": found} if found else {}

    def _under(self, sources: Sequence[str], note: str, shown: tables.Written, *texts: str) -> str:
        """The small print: note, legend of marks, sources with their vintage."""
        legend = marks.legend(*texts, tables.legend(shown)) if len(shown) else ""
        lines = [
            marks.marked(note) if note else "",
            marks.escape(legend),
            f"Source: {marks.escape(self.tables.source(*sources))}" if sources else "",
        ]
        return "".join(f'<p class="note">{line}</p>' for line in lines if line)

    def _origins(self, sources: Sequence[str]) -> dict:
        found = {name: self.tables.origin(name) for name in sources}
        return {
            "sources": list(sources),
            "simulated": [origin.title for origin in found.values() if origin.simulated],
            "stale": [f"{origin.title} ({origin.published})" for origin in found.values() if self._stale(origin)],
            "behind": [origin.behind for origin in found.values() if origin.behind],
        }

    def _values(self, shown: pd.DataFrame, sources: Sequence[str], note: str, labels: dict[str, str]) -> dict:
        """What is shown, as plain data, where another format will ask for it."""
        if not self.portable or not sources:
            return {}
        columns = [name for name in shown.columns if not str(name).endswith("_suppressed")]
        data = {str(name): [None if pd.isna(value) else value for value in shown[name].tolist()] for name in columns}
        return {"data": data, "source": self.tables.source(*sources), "note": note, "labels": labels}

    def _stale(self, origin: "Origin") -> bool:
        released = _released(origin.published) if origin.ages else None
        return released is not None and (self.settings.as_of - released).days > self.settings.max_age_days


def _plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """What is tabulated of a frame: all but its shapes, with its marks."""
    out = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    out.attrs = dict(frame.attrs)
    return out


def _passed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the mark that an exhibit asks for."""
    out = frame.copy(deep=False)
    out.attrs = {**frame.attrs, PASSED: True}
    return out


def _lines(card: Kpi) -> str:
    lines = {"delta": card.change, "goal": card.goal} | ({"since": card.since} if card.since else {})
    return "".join(f'<span class="{name}">{marks.marked(text)}</span>' for name, text in lines.items())


def _number(name: str, value: float, unit: str, period: str, part_of: str = "") -> dict:
    # What is recorded leaves the page: a small count of people stays behind.
    hidden = pd.isna(value) or (unit in PEOPLE and 0 < value < SMALLEST)
    said = float(f"{value:.4g}") if unit == "share" else float(value)  # more digits would tell the counts behind a share
    return {"name": name, "value": None if hidden else said, "unit": unit, "period": period} | ({"part_of": part_of} if part_of else {})


def _released(published: Any) -> date | None:
    """The last day that a publication date can mean: "2023" is the end of 2023."""
    if published is None or isinstance(published, date):
        return published
    parts = [int(part) for part in str(published).split("-")]
    if len(parts) == 3:
        return date(*parts)
    return (pd.Period(str(published), freq="M" if len(parts) == 2 else "Y").end_time).date()


def _origin(origin: "Origin") -> str:
    parts = [f"<b>{marks.escape(origin.title)}</b>", marks.escape(origin.producer), f"period {marks.escape(origin.period)}"]
    parts += [
        f"{word} {marks.escape(value)}"
        for word, value in (("published", origin.published), ("accessed", origin.accessed), ("license", origin.license))
        if value
    ]
    parts += ["<em>simulated</em>"] if origin.simulated else []
    parts += [f"counts below {origin.suppress_below} hidden"] if origin.suppress_below else []
    # An optional table without a file has no fingerprint.
    return ", ".join(parts) + (f" <code>{marks.escape(origin.sha8)}</code>" if origin.sha8 else "")


def _plain(value: Any) -> str:
    return (
        json.dumps(value)
        if isinstance(value, (dict, list))
        else f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else str(value)
    )
