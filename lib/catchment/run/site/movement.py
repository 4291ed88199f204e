"""What moved since the last published run: key indicators and sentences of one page, and ranks across partners.

A page is compared with what it said when it last said something else. An indicator is recognized by its measure, or by its
label without the digits, since labels carry years. Ranks compare each partner's present and former value; equal values
share a rank, and a partner without a former value stands where it is.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Change:
    """An indicator that reads otherwise than before; `before` is empty for a new one."""

    label: str
    now: str
    before: str


@dataclass
class Standing:
    """One partner's value of a measure, before and now."""

    text: str
    number: float
    before: float | None
    status: str
    rank: int = 0
    gained: int = 0


@dataclass
class Measure:
    """One indicator across partners; `better` says whether higher or lower is, or is empty."""

    name: str
    better: str
    standings: dict[str, Standing] = field(default_factory=dict)

    @cached_property
    def low(self) -> float:
        return min(value for each in self.standings.values() for value in (each.number, each.before) if value is not None)

    @cached_property
    def high(self) -> float:
        return max(value for each in self.standings.values() for value in (each.number, each.before) if value is not None)

    @cached_property
    def median(self) -> float:
        return median(each.number for each in self.standings.values())


def measures(entries: list[dict[str, Any]]) -> list[Measure]:
    """The measures that pages report, in the pages' order, with every partner's rank and the places it gained."""
    found: dict[str, Measure] = {}
    for entry in entries:
        former = {each["name"]: each["number"] for _, each in _measured((entry.get("before") or {}).get("kpis", []))}
        for card, told in _measured(entry.get("headlines", {}).get("kpis", [])):
            measure = found.setdefault(told["name"], Measure(told["name"], told["better"]))
            measure.standings.setdefault(
                entry["partner"], Standing(card["value"], told["number"], former.get(told["name"]), card["status"])
            )
    for measure in found.values():
        _rank(measure)
    return list(found.values())


def _measured(cards: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(card, card["measure"]) for card in cards if card.get("measure") and card["measure"]["number"] is not None]


def _rank(measure: Measure) -> None:
    sign = 1 if measure.better == "lower" else -1
    now = _places({name: sign * each.number for name, each in measure.standings.items()})
    before = _places({name: sign * (each.number if each.before is None else each.before) for name, each in measure.standings.items()})
    for name, each in measure.standings.items():
        each.rank, each.gained = now[name], before[name] - now[name]


def _places(values: dict[str, float]) -> dict[str, int]:
    """1 for the smallest value; equal values share their first place."""
    places: dict[float, int] = {}
    for place, value in enumerate(sorted(values.values()), start=1):
        places.setdefault(value, place)
    return {name: places[value] for name, value in values.items()}


def changes(entry: dict[str, Any]) -> list[Change]:
    """The indicators of a page that read otherwise than when it last said something else."""
    before = entry.get("before")
    if not before:
        return []
    former = {_key(card): card["value"] for card in before["kpis"]}
    cards = entry["headlines"].get("kpis", [])
    return [Change(card["label"], card["value"], former.get(_key(card), "")) for card in cards if former.get(_key(card)) != card["value"]]


def news(entry: dict[str, Any]) -> list[str]:
    """The sentences that a page did not say before."""
    before = entry.get("before")
    return [text for text in entry["headlines"].get("takeaways", []) if text not in before["takeaways"]] if before else []


def _key(card: dict[str, Any]) -> str:
    return (card.get("measure") or {}).get("name") or re.sub(r"\d+", "", card["label"])
