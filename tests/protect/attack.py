"""An attacker who holds all pages of a partner and knows that every table counts the same people.

The hidden truth is a random table of three dimensions. Page sets are 2 to 4 tables of it: margins, slices (which name what they
hold) and parts (which leave rows out), each protected by itself as a page would. The attacker solves an integer program over the
cells of the hidden table: stricter than the auditor, who has only names and numbers to judge by which tables belong together.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp

from catchment.protect import disclosure
from catchment.protect.linkage import HIDDEN, Exhibit

VALUES = {"site": ("Breast", "Lung", "Colon"), "town": ("Gary", "Hobart", "Portage"), "year": ("2023", "2024", "2025")}
MOST = 10_000


@dataclass(frozen=True)
class Shown:
    """One published table: its exhibit, and per row the true count, whether it is hidden, and which cells of the truth it adds up."""

    exhibit: Exhibit
    counts: np.ndarray
    hidden: np.ndarray
    atoms: np.ndarray


def truth(random: np.random.Generator) -> pd.DataFrame:
    """People by site, town and year: many cells are small, some are empty."""
    frame = pd.DataFrame(list(itertools.product(*VALUES.values())), columns=list(VALUES))
    return frame.assign(patients_n=np.floor(random.gamma(0.9, random.choice([8, 15, 30]), len(frame))).astype(int))


def table(random: np.random.Generator, people: pd.DataFrame, name: str) -> Shown:
    """One margin, slice or part of the hidden table, protected by itself and written as a page writes it."""
    dims = [each for each in VALUES if random.random() < 0.62] or [str(random.choice(list(VALUES)))]
    kept = {each: set(random.permutation(VALUES[each])[: random.choice([1, 2, 3, 3, 3])]) for each in dims}
    atoms: dict[tuple[str, ...], list[int]] = {}
    for i, values in enumerate(people[dims].itertuples(index=False, name=None)):
        if all(value in kept[each] for each, value in zip(dims, values, strict=True)):
            atoms.setdefault(values, []).append(i)
    sums = np.array([np.isin(np.arange(len(people)), places) for places in atoms.values()])
    rows = pd.DataFrame(list(atoms), columns=dims).assign(patients_n=sums @ people["patients_n"].to_numpy())
    by = [None, *([[each] for each in dims] if len(dims) > 1 else [])]
    safe = disclosure.protect(rows, ["patients_n"], by=by[random.integers(len(by))])
    hidden = safe["patients_n_suppressed"].to_numpy(bool)
    written = [HIDDEN if flag else float(count) for flag, count in zip(hidden, rows["patients_n"], strict=True)]
    exhibit = Exhibit(name, "patients_n", frozenset({"registry"}), list(atoms), written, place=name, data="f", columns=dims)
    return Shown(exhibit, rows["patients_n"].to_numpy(), hidden, sums)


def page_set(seed: int) -> list[Shown]:
    random = np.random.default_rng(seed)
    people = truth(random)
    return [table(random, people, f"table {number}") for number in range(random.integers(2, 5))]


def recovered(tables: list[Shown], below: int = 11) -> list[tuple[str, tuple[str, ...], float, float]]:
    """The small hidden counts that the attacker can tell to be small, or knows exactly: table, row, least, greatest."""
    atoms = np.vstack([each.atoms for each in tables]).astype(float)
    counts = np.concatenate([each.counts for each in tables])
    hidden = np.concatenate([each.hidden for each in tables])
    names = [(each.exhibit.name, row) for each in tables for row in each.exhibit.rows]
    known = LinearConstraint(atoms, np.where(hidden, 1, counts), np.where(hidden, np.inf, counts))
    found = []
    for i in np.flatnonzero(hidden & (counts < below)):
        low, high = -_best(-atoms[i], known), _best(atoms[i], known)
        if high < below or high - low < 1:
            found.append((*names[i], low, high))
    return found


def _best(aim: np.ndarray, known: LinearConstraint) -> float:
    solved = milp(-aim, constraints=known, integrality=np.ones(len(aim)), bounds=Bounds(0, MOST))
    if solved.status != 0:
        raise ArithmeticError(solved.message)
    return round(-solved.fun)
