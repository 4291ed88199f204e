"""The portfolio's front page: all partners side by side, on one scale for each indicator, with rank, movement and age.

It is one file without a script. The order of the table is chosen with radio buttons whose state the style sheet reads; each
row carries its place in every order. Few partners are also told one by one, many only in the table.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from catchment import words

from . import frame, movement
from .movement import Measure
from .trees import LEADERSHIP

FEW = 12  # partners up to which each gets a section of its own
LISTED = 12  # lines of a list before the rest is only counted
WIDTH, EDGE = 76, 4  # pixels of a small multiple: its width, and its margin for the dot


def render(manifest: dict[str, Any]) -> str:
    """`reports/index.html` for a manifest; only pages for leadership are told of."""
    entries = sorted(
        (entry for entry in manifest["pages"].values() if entry["audience"] == LEADERSHIP),
        key=lambda entry: (entry["order"], entry["notebook"]),
    )
    measures = movement.measures(entries)
    by_partner = defaultdict(list)
    for entry in entries:
        by_partner[entry["partner"]].append(entry)
    partners = sorted(
        (_partner(name, manifest, pages, measures) for name, pages in by_partner.items()),
        key=lambda each: (each["name"].casefold(), each["id"]),
    )
    orders = _orders(partners, measures)
    changed = _changed(partners)
    return frame.render(
        "index.html.j2",
        program=next((each["program"] for each in partners), ""),
        partners=partners,
        measures=[_column(measure) for measure in measures],
        orders=orders,
        pages_n=sum(1 for entry in entries if entry["path"]),
        simulated_n=sum(page["simulated"] for each in partners for page in each["pages"] if page["path"]),
        failed=[(each, page) for each in partners for page in each["pages"] if page["failure"]],
        changed=changed[:LISTED], changed_n=len(changed), listed=LISTED, width=WIDTH, few=len(partners) <= FEW,
        vintages=_vintages(entries, manifest["vintages"]),
        updated=manifest.get("updated", ""),
    )  # fmt: skip


def _partner(name: str, manifest: dict[str, Any], entries: list[dict[str, Any]], measures: list[Measure]) -> dict[str, Any]:
    updated = manifest.get("updated", "")
    pages = [_page(entry) for entry in entries]
    cards = {card["label"]: card for entry in entries for card in entry.get("headlines", {}).get("kpis", [])}  # the brief repeats some
    targets = [met for card in cards.values() if (met := words.reached(card["goal"])) is not None]
    produced = [page["produced"] for page in pages if page["path"]]
    return manifest["partners"][name] | {
        "id": name,
        "pages": pages,
        "cells": [_cell(measure, name) for measure in measures],
        "missed_n": targets.count(False),
        "targets_n": len(targets),
        "oldest": min(produced, default=""),
        "age_days": frame.age_days(min(produced), updated) if produced else 0,
        "failed_n": sum(bool(page["failure"]) for page in pages),
        "changes": list({change.label: change for page in pages for change in page["changes"]}.values()),
        "news": [text for page in pages for text in page["news"]],
        "since": max((entry["before"]["produced"] for entry in entries if entry.get("before")), default=""),
    }


def _page(entry: dict[str, Any]) -> dict[str, Any]:
    takeaways = entry.get("headlines", {}).get("takeaways", [])
    return {
        "title": entry["title"],
        "path": entry["path"],
        "attachments": [
            {"path": file["path"], "ending": ending, "bytes": file["bytes"]} for ending, file in entry.get("attachments", {}).items()
        ],
        "produced": entry.get("produced", ""),
        "takeaway": takeaways[0] if takeaways else "",
        "simulated": bool(entry.get("headlines", {}).get("simulated")),
        "failure": entry["failure"],
        "changes": movement.changes(entry) if entry["path"] else [],
        "news": movement.news(entry) if entry["path"] else [],
    }


def _cell(measure: Measure, partner: str) -> dict[str, Any] | None:
    """A value with its place on the measure's scale; nothing for a partner that does not report it."""
    each = measure.standings.get(partner)
    if each is None:
        return None
    return {
        "text": each.text,
        "rank": each.rank,
        "gained": each.gained,
        "status": each.status,
        "x": _x(measure, each.number),
        "from": None if each.before in (None, each.number) else _x(measure, each.before),
    }


def _x(measure: Measure, value: float) -> int:
    span = measure.high - measure.low
    return round(EDGE + (WIDTH - 2 * EDGE) * ((value - measure.low) / span if span else 0.5))


def _column(measure: Measure) -> dict[str, Any]:
    texts = {each.number: each.text for each in measure.standings.values()}
    ends = [texts[number] for number in (min(texts), max(texts))]
    return {
        "name": measure.name,
        "better": measure.better,
        "low": ends[0],
        "high": ends[1],
        "n": len(measure.standings),
        "median": _x(measure, measure.median),
    }


def _orders(partners: list[dict[str, Any]], measures: list[Measure]) -> list[str]:
    """The orders to choose from; every row gets its place in each of them, the first being that of the page itself."""
    keys: dict[str, Callable[[dict[str, Any]], Any]] = {
        "name": lambda each: 0,
        "targets missed": lambda each: (-each["failed_n"], -each["missed_n"]),
        "oldest pages": lambda each: each["oldest"],
        "most changed": _most_changed,
    }
    for number, measure in enumerate(measures):
        keys[measure.name] = partial(_rank, number=number, last=len(partners) + 1)
    for each in partners:
        each["places"] = []
    for key in keys.values():
        for place, each in enumerate(sorted(partners, key=key)):
            each["places"].append(place)
    return list(keys)


def _rank(partner: dict[str, Any], *, number: int, last: int) -> int:
    """A partner's rank in one measure; those that do not report it stand behind all others."""
    cell = partner["cells"][number]
    return cell["rank"] if cell else last


def _changed(partners: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Partners whose pages say something else than before, those with most changed indicators first."""
    return sorted((each for each in partners if each["changes"] or each["news"]), key=_most_changed)


def _most_changed(partner: dict[str, Any]) -> tuple[int, int]:
    return -len(partner["changes"]), -len(partner["news"])


def _vintages(entries: list[dict[str, Any]], known: dict[str, Any]) -> list[dict[str, Any]]:
    """Every data set behind the pages, with its edition and how many partners use that edition."""
    users = defaultdict(set)
    for entry in entries:
        for name in entry.get("vintages", ()):
            users[name].add(entry["partner"])
    return sorted(
        ({**known[name], "partners_n": len(found)} for name, found in users.items()), key=lambda each: (each["title"], each["period"])
    )
