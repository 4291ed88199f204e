"""An attacker who holds the published referral page and knows what its exhibits count; it shares no code with the protection.

Every exhibit counts the referrals of one period. The unknowns are two tables of them: specialty x affiliation x destination system, and
town x center, which agree in the total of each system; beside them the referrals by the system of the clinician, by loyalty tier, by site,
and of the clinicians listed one by one. A published count is a class of six (15 means 13 to 18), [c] is 1 to 12, 0 is 0, and a combination
that a matrix does not list is 0. A share of a clinician gives the class of its numerator. What the page allows, and so the least and the
greatest value of each hidden count, is a linear program; where it leaves few values, an integer program decides.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

HIDDEN, MOST = "[c]", 100_000
Key = tuple[str, ...]
Publish = Callable[[str, Sequence[str], tuple[Key, ...], str], None]


@dataclass(frozen=True)
class Cell:
    """A published count: its exhibit and row, the unknowns that it adds up, and the least and greatest count that it can mean."""

    exhibit: str
    row: Key
    parts: tuple[Key, ...]
    low: float
    high: float
    hidden: bool


@dataclass
class Attack:
    """What one page allows."""

    cells: list[Cell]
    equal: list[tuple[tuple[Key, ...], tuple[Key, ...]]] = field(default_factory=list)
    less: list[tuple[tuple[Key, ...], tuple[Key, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        sides = [side for pair in [*self.equal, *self.less] for side in pair]
        self.place = {key: i for i, key in enumerate(sorted({key for side in [*sides, *(c.parts for c in self.cells)] for key in side}))}
        rows = [
            *((self._row(cell.parts), cell.low, cell.high) for cell in self.cells),
            *((self._row(left) - self._row(right), 0, 0) for left, right in self.equal),
            *((self._row(left) - self._row(right), -np.inf, 0) for left, right in self.less),
        ]
        matrix, low, high = zip(*rows, strict=True)
        self.known = LinearConstraint(csr_array(np.array(matrix)), np.array(low, float), np.array(high, float))

    def _row(self, parts: Iterable[Key]) -> np.ndarray:
        row = np.zeros(len(self.place))
        for key in parts:
            row[self.place[key]] += 1
        return row

    def best(self, aim: np.ndarray, *, whole: bool) -> float:
        """The least value of `aim` over all that the page allows."""
        kind = np.ones(len(aim)) if whole else np.zeros(len(aim))
        found = milp(aim, constraints=self.known, bounds=Bounds(0, MOST), integrality=kind, options={"time_limit": 10})
        if found.status not in (0, 1) or found.fun is None:
            raise ArithmeticError(found.message)
        # After the time limit the bound still holds: the attacker is told too much rather than too little.
        return found.mip_dual_bound if whole else found.fun

    def range(self, cell: Cell, *, few: int) -> tuple[int, int]:
        """Least and greatest value of a hidden count; exact where the linear program leaves no more than `few` values."""
        aim, low, high = self._row(cell.parts), 1, 12
        for whole in (False, True):
            low = max(low, int(np.ceil(self.best(aim, whole=whole) - 1e-6)))
            high = min(high, int(np.floor(-self.best(-aim, whole=whole) + 1e-6)))
            if high - low + 1 > few:
                break
        return low, high


def tables(html: str) -> dict[str, pd.DataFrame]:
    """Key of each exhibit -> the whole of its table as text."""
    found = {}
    for part in re.split(r'(?=<(?:figure|div class="exhibit") id=")', html)[1:]:
        key = re.match(r'<[^>]*id="([^"]+)"', part)[1]
        written = re.findall(r"<table.*?</table>", part, re.S)
        if written:
            every = [pd.read_html(StringIO(each), converters=defaultdict(lambda: str))[0] for each in written]
            found[key] = max(every, key=len).astype(str)
    return found


def meant(text: str) -> tuple[float, float]:
    """The least and greatest count that a published one can mean."""
    if text == HIDDEN:
        return 1, 12
    value = float(text.replace(",", ""))
    return (0, 0) if value == 0 else (value - 2, value + 3)


def attack(html: str, *, centers: Mapping[str, str], ours: Sequence[str]) -> Attack:
    """All that a page says of the referrals of its period.

    Parameters
    ----------
    centers
        System of each cancer center, which is public.
    ours
        Systems of the partner's network.
    """
    page, cells = tables(html), []
    matrix, flows, sent = page["destination-systems"], page["flow-map"], page["senders-by-specialty"]
    kept, systems, tiers = page["keepage-by-specialty"], page["referrals-by-system"], page["loyalty-tiers"]
    sides = sorted({*sent["Affiliation"], *tiers["Affiliation"]})
    specialties, reached = list(dict.fromkeys(matrix["Specialty"])), sorted(set(matrix["Destination system"]))
    joint = {(s, a, y): ("joint", s, a, y) for s in specialties for a in sides for y in reached}
    home = [y for y in reached if y in ours]

    def some(*, s: str | None = None, a: str | None = None, to: Iterable[str] = reached) -> tuple[Key, ...]:
        chosen = set(to)
        return tuple(key for (s1, a1, y1), key in joint.items() if s in (None, s1) and a in (None, a1) and y1 in chosen)

    def publish(exhibit: str, row: Sequence[str], parts: tuple[Key, ...], text: str) -> None:
        cells.append(Cell(exhibit, tuple(row), parts, *meant(text), text == HIDDEN))

    def listed(frame: pd.DataFrame, names: Sequence[str], value: str = "Referrals") -> dict[Key, str]:
        return dict(zip(frame[list(names)].itertuples(index=False, name=None), frame[value], strict=True))

    shown = listed(matrix, ["Specialty", "Destination system"])
    for s in specialties:
        for y in reached:
            publish("matrix", (s, y), some(s=s, to=[y]), shown.get((s, y), "0"))
    shown = listed(sent, ["Specialty", "Affiliation"])
    for s in specialties:
        for a in sides:
            publish("senders", (s, a), some(s=s, a=a, to=home), shown.get((s, a), "0"))
    for row in kept.to_dict("records"):
        s = row["Specialty"]
        publish("eligible", (s,), some(s=s, a="affiliated"), row["Eligible referrals"])
        publish("kept", (s,), some(s=s, a="affiliated", to=home), row["Stayed with us"])
    places = sorted(set(flows["Center"]))
    shown = listed(flows, ["Town", "Center"])
    for (town, center), text in shown.items():
        publish("flows", (town, center), (("flow", town, center),), text)
    equal = [
        (some(to=[y]), tuple(("flow", town, center) for town, center in shown if centers[center] == y))
        for y in sorted({*reached, *(centers[center] for center in places)})
    ]
    if said := re.search(r"<strong>([^<]*) sends ([\d,]+) referrals elsewhere", html):
        away = tuple(("flow", said[1], center) for center in places if centers[center] not in ours and (said[1], center) in shown)
        publish("title", (said[1],), away, said[2])
    for row in systems.to_dict("records"):
        name = row["System of the clinician"]
        publish("system", (name,), (("stayed", name), ("left", name)), row["Eligible referrals"])
        publish("system kept", (name,), (("stayed", name),), row["Stayed with us"])
    names = list(systems["System of the clinician"])
    equal += [
        (tuple(("stayed", name) for name in names), some(to=home)),
        (tuple((part, name) for part in ("stayed", "left") for name in names), some()),
    ]
    for row in tiers.to_dict("records"):
        publish("tiers", (row["Affiliation"], row["Tier"]), (("tier", row["Affiliation"], row["Tier"]),), row["Eligible referrals"])
    for a in sides:
        equal.append((tuple(("tier", *key) for key in listed(tiers, ["Affiliation", "Tier"], "Tier") if key[0] == a), some(a=a)))
    publish("funnel", ("Referred",), some(to=home), page["referral-funnel"]["Referrals"].iloc[0])
    sites = page["single-referrers"]
    for row in sites.to_dict("records"):
        name = row["Tumor site"]
        publish("site", (name,), (("largest", name), ("others", name)), row["Referrals to us"])
        publish("largest", (name,), (("largest", name),), row["Of them from the largest"])
    equal.append((tuple((part, name) for part in ("largest", "others") for name in sites["Tumor site"]), some(to=home)))
    less = _clinicians(page, publish, some, home, reached, specialties, sides)
    return Attack(cells, equal, less)


def _clinicians(
    page: Mapping[str, pd.DataFrame], publish: Publish, some: Callable[..., tuple[Key, ...]], home: Sequence[str], reached: Sequence[str],
    specialties: Sequence[str], sides: Sequence[str],
) -> list[tuple[tuple[Key, ...], tuple[Key, ...]]]:  # fmt: skip
    """Clinicians listed one by one are a part of their specialty and affiliation."""
    group = {}
    for row in page.get("first-visits", pd.DataFrame()).to_dict("records"):
        who = row["Clinician"]
        group[who] = (re.sub(r" no\. \d+$", "", who), row["Affiliation"])
        publish("visits", (who,), (("us", who), ("elsewhere", who)), row["Eligible referrals"])
        numerator = float(row["Eligible referrals"].replace(",", "")) * float(row["Current share, %"]) / 100
        publish("visits to us", (who,), (("us", who),), str(round((numerator - 3) / 6) * 6 + 3) if numerator > 1 else "0")
    for row in page.get("changed-referrers", pd.DataFrame()).to_dict("records"):
        who = row["Clinician"]
        group[who] = (re.sub(r" no\. \d+$", "", who), row["Affiliation"])
        publish("changed", (who,), (("us", who),), row["Now"])
    less = []
    for s in specialties:
        for a in sides:
            mine = [who for who, each in group.items() if each == (s, a)]
            if mine:
                away = [y for y in reached if y not in home]
                less.append((tuple(("us", who) for who in mine), some(s=s, a=a, to=home)))
                less.append((tuple(("elsewhere", who) for who in mine), some(s=s, a=a, to=away)))
    return less
