"""Rules that two settings break together, which no single key can show: one function for each section that has any."""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from .base import Conflict
from .growth import Branch, Correlation, Initiative
from .settings import Settings

Path = tuple[str | int, ...]
TOLERANCE = 1e-6


def growth(settings: Settings) -> Iterator[Conflict]:
    """What each key of the growth section alone can't show."""
    rules = settings.growth
    for name, initiative in rules.initiatives.items():
        yield from _initiative(("initiatives", name), initiative, settings)
    for name, scenario in rules.scenarios.items():
        yield from _unknown(
            ("scenarios", name, "initiatives"),
            [] if scenario.initiatives == "all" else scenario.initiatives,
            rules.initiatives,
            "initiative",
        )
    yield from _unknown(("plan",), [rules.plan], rules.scenarios, "scenario")
    yield from _split(("tree",), rules.tree, rules.scenarios)
    for path, weights in (
        (("fit_weights",), rules.fit_weights),
        (("rank_weights",), rules.rank_weights),
        (("payer_mix",), {payer: share.value for payer, share in rules.payer_mix.items()}),
    ):
        yield from _sums(path, weights.values(), "shares")
    yield from _unknown(("payer_mix",), rules.payer_mix, rules.payer_index, "payer")
    for name, resource in rules.resources.items():
        if resource.per_unit_n is None and name not in ("linac", "chair"):
            yield Conflict(("resources", name), "expected per_unit_n (only linac and chair are worked out from hours)")
    yield from _contradictions(rules.correlations)
    unseen = [
        name for name in ("demand", "volume", "price", "drug_margin", "running_cost", "capital", "delay") if name not in rules.drivers
    ]
    if unseen:
        yield Conflict(("drivers",), f"missing: {', '.join(unseen)}")


def _initiative(path: Path, initiative: Initiative, settings: Settings) -> Iterator[Conflict]:
    rules = settings.growth
    if initiative.start <= settings.as_of:
        yield Conflict((*path, "start"), f"expected a start after the data end ({settings.as_of}), found {initiative.start}")
    for key, names, known, word in (
        ("requires", initiative.requires, rules.initiatives, "initiative"),
        ("staffing", initiative.staffing, rules.pay_usd, "role"),
        ("adds", initiative.adds, rules.resources, "resource"),
        ("fit", initiative.fit, rules.fit_weights, "criterion"),
        ("payer_mix", initiative.payer_mix or {}, rules.payer_index, "payer"),
    ):
        yield from _unknown((*path, key), names, known, word)
    if initiative.payer_mix:
        yield from _sums((*path, "payer_mix"), initiative.payer_mix.values(), "shares")
    for other in initiative.requires:
        if other in rules.initiatives and rules.initiatives[other].start > initiative.start:
            found = rules.initiatives[other].start
            yield Conflict((*path, "requires"), f"expected {other} to start first, found {found} after {initiative.start}")
        if other in rules.initiatives and path[1] in rules.needed(other):
            yield Conflict((*path, "requires"), f"{other} needs this one in turn")


def _split(path: Path, branches: list[Branch], scenarios: Iterable[str]) -> Iterator[Conflict]:
    yield from _sums(path, [branch.probability for branch in branches], "probabilities")
    for place, branch in enumerate(branches):
        yield from _unknown((*path, place, "scenario"), [branch.scenario] if branch.scenario else [], scenarios, "scenario")
        if branch.branches:
            yield from _split((*path, place, "branches"), branch.branches, scenarios)


def _unknown(path: Path, names: Iterable[str], known: Iterable[str], word: str) -> Iterator[Conflict]:
    for name in names:
        if name not in known:
            yield Conflict(path, f"unknown {word} {name!r} (known: {', '.join(sorted(known)) or 'none'})")


def _contradictions(correlations: list[Correlation]) -> Iterator[Conflict]:
    """Pairs given twice or of one driver with itself; correlations that can't hold together.

    The matrix of normal scores must allow them.
    """
    seen: set[frozenset[str]] = set()
    for place, pair in enumerate(correlations):
        both = frozenset((pair.first, pair.second))
        if len(both) < 2 or both in seen:
            yield Conflict(("correlations", place), f"expected each pair of two drivers once, found {pair.first} and {pair.second} again")
            return
        seen.add(both)
    names = sorted({name for both in seen for name in both})
    matrix = np.eye(len(names))
    for pair in correlations:
        first, second = names.index(pair.first), names.index(pair.second)
        matrix[first, second] = matrix[second, first] = 2 * math.sin(math.pi * pair.rank / 6)
    if names and np.linalg.eigvalsh(matrix).min() < -1e-9:
        yield Conflict(
            ("correlations",), f"{', '.join(names)} can't be correlated like this all at once (the matrix isn't positive semidefinite)"
        )


def _sums(path: Path, shares: Iterable[float], word: str) -> Iterator[Conflict]:
    total = sum(shares)
    if abs(total - 1) > TOLERANCE:
        yield Conflict(path, f"expected {word} that add to 1, found {total:.4g}")


RULES = {"growth": growth}
