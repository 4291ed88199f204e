"""Sentences of the executive brief: the chosen findings with their evidence, cards since the last run, what is missing.

The findings are those of the other pages, in their words; only their order and the small print under them are made here.
"""

import re
from collections.abc import Mapping

import pandas as pd

from catchment import words
from catchment.page import markdown, marks
from catchment.page.blocks import Block, Kpi

from . import selection

# The recorded numbers that make the strip, and how a difference of each is written.
CARDS = {"analytic_cases": "count", "stays_share": "points", "keepage_share": "points", "margin": "money", "standards_met": "count"}


def cards(agreed: pd.DataFrame, pages: Mapping[str, Mapping]) -> list[Kpi]:
    """The strip: the other pages' cards of these numbers, with the movement since the last published version that said others."""
    made = {card["recorded"]: card for told in pages.values() for card in told["kpis"] if card["recorded"]}
    known = {name: selection.quantity(agreed, name) for name in CARDS if name in made}
    return [
        Kpi(**made[name] | {"since": _moved(now, selection.earlier(pages, name), CARDS[name])})
        for name, now in known.items()
        if now is not None
    ]


def _moved(now: pd.Series, before: pd.Series | None, unit: str) -> str:
    if before is None:
        return "First published run"
    day = before["produced"][:10]
    if before["period"] != now["period"] or before["unit"] != now["unit"]:
        return f"The run of {day} told of {before['period']}"
    moved = words.change(now["value"], before["value"], unit=unit)
    return f"Since the run of {day}: {moved}"


def told(chosen: pd.DataFrame, *, below: int) -> Block:
    """The chosen findings in order: what happened, what lies behind it, what follows, how large and how sure, and where it stands.

    Counts of 1 to `below` - 1 people are not said. The record of the block holds each finding as the deck takes it.
    """
    rows = chosen.to_dict("records")
    return Block(
        f'<ol class="takeaways findings">{"".join(_item(row, below) for row in rows)}</ol>',
        {"kind": "takeaways", "texts": list(chosen["text"]), "chosen": [_record(row, below) for row in rows]},
    )


def _record(row: Mapping, below: int) -> dict:
    return {
        "text": row["text"],
        "so": row["so"],
        "evidence": evidence(row, below=below),
        "short": f"{size(row, below=below)}; {row['basis']}",
        "where": place(row),
        "address": address(row),
    }


def parts(text: str) -> tuple[str, str]:
    """A finding's conclusion, which stands in bold, and what is said about it, as plain text."""
    head, bold, tail = text.partition("**")[2].partition("**")
    if not bold:
        return text, ""
    # An interval in brackets stands in the small print already.
    tail = re.sub(r"^\s*\([^()]*(?:interval|NPV)[^()]*\)", "", tail).lstrip(" .;:,")
    return head.rstrip(".:"), tail[:1].upper() + tail[1:]


def _item(row: Mapping, below: int) -> str:
    head, why = parts(row["text"])
    lines = [f"<b>{marks.marked(head)}.</b>"]
    lines += [f'<span class="part"><i>Behind it:</i> {markdown.inline(why)}</span>'] if why else []
    lines += [f'<span class="part"><i>So what:</i> {markdown.inline(row["so"])}</span>'] if row["so"] else []
    where = f'<a href="{address(row)}">{marks.escape(place(row))}</a>'
    return f'<li>{"".join(lines)}<span class="evidence">{marks.marked(evidence(row, below=below))} {where}</span></li>'


def evidence(row: Mapping, *, below: int) -> str:
    """Size, certainty and change of a finding in a line."""
    said = [size(row, below=below)]
    said += [row["basis"]] if row["basis"] else []
    said += [f"change against {row['since']}"] if row["since"] and row["change"] > 0 else ["standing fact"]
    return f"{'; '.join(said)}; score {words.number(row['score'], digits=2)}."


def size(row: Mapping, *, below: int) -> str:
    """How much of the program a finding is about; counts of 1 to `below` - 1 people are not said."""
    part = words.share(min(row["part_share"], 1.0), digits=0)
    if pd.notna(row["cases"]):
        few = 0 < row["cases"] < below
        return f"{words.people(row['cases'], 'case', below=below)} a year" + ("" if few else f", {part} of the program")
    if pd.notna(row["usd"]):
        return f"{words.money(row['usd'])} a year, {part} of the program"
    return f"size {part}"


def address(row: Mapping) -> str:
    """Where the finding's exhibit stands."""
    return marks.escape(f"{row['page']}.html{'#' + row['exhibit'] if row['exhibit'] else ''}")


def place(row: Mapping) -> str:
    """The name of that place."""
    return f"{row['title']}, figure\u00a0{row['figure']:.0f}" if pd.notna(row["figure"]) else row["title"]


def silent(pages: Mapping[str, Mapping]) -> list[str]:
    """A sentence on each page that gives the brief nothing, or something old: which, and why."""
    said = []
    for told in pages.values():
        if told["missing"]:
            said.append(f"**{told['title']} is left out:** {told['missing']}.")
        elif told["last_good"]:
            said.append(f"**{told['title']} could not be renewed:** what is said of it stands as of {told['last_good'][:10]}.")
        elif not told["findings"]:
            reason = told["takeaways"][0] if told["takeaways"] else "it has no finding."
            said.append(f"**{told['title']} has nothing to report:** {reason.replace('**', '')}")
    return said
