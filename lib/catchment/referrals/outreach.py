"""Whom to visit first: recoverable contribution per clinician, with its interval and the reason.

Definition: recoverable contribution = eligible referrals of the period x (target share - current share) x contribution per referred
case x probability that outreach succeeds. Affiliated clinicians are measured against the keepage target, independent ones against
the split target; clinicians employed by another system are not on the list. Nobody at or above target is on it either.

Known bias: the target is a policy, not an estimate, and the probability comes from few remembered attempts; the interval covers the
uncertainty of the current share and of the probability, not that of the target or of the contribution.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from catchment.protect.rounding import filled

from . import changes
from .patterns import LOST, SPLITTER, loyalty, tier

if TYPE_CHECKING:
    from catchment.page.report import Report
    from catchment.params.referrals import Referrals

ALIKE = 3  # clinicians that a label stands for at least
REASONS = {
    "lost": "Stopped referring to us",
    "declining": "Refers to us measurably less than in the period before",
    "specialty": "Of the specialty that leaks most",
    "tier_lost": "Sends us almost nothing",
    "splitter": "Splits between us and others",
    "below": "Below target",
}


def recoverable(
    loyalty: pd.DataFrame,
    *,
    target: Mapping[str, float],
    success: Mapping[str, float],
    contribution_usd: float,
    attempts: float = 20,
    draws: int = 4_000,
    seed: int = 0,
    alpha: float = 0.2,
) -> pd.DataFrame:
    """Recoverable contribution of each clinician below target, largest first, with an 80 % interval.

    Parameters
    ----------
    loyalty
        One row per clinician: `npi`, `affiliation`, `eligible_referrals_n`, `our_referrals_n`, `our_share`.
    target, success
        Target share and probability of success by affiliation; affiliations without an entry are left out.
    contribution_usd
        Contribution of one referred case, US dollars.
    attempts
        Attempts that the probability remembers: its uncertainty is Beta(attempts p, attempts (1 - p)).

    Returns
    -------
    The rows below target with `target_share`, `gap_share`, `recoverable_referrals_n` (expected to move, were outreach certain),
    `success_share`, `recoverable_usd` and `recoverable_low`, `recoverable_high` from the Jeffreys posterior of the share
    and the Beta of the probability.
    """
    shares = [*target.values(), *success.values()]
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"targets and chances are fractions from 0 to 1, not {shares}")
    if (loyalty["our_referrals_n"] > loyalty["eligible_referrals_n"]).any():
        raise ValueError("our_referrals_n must not exceed eligible_referrals_n")
    table = loyalty[loyalty["affiliation"].isin(set(target) & set(success)) & loyalty["our_share"].notna()].copy()
    table["target_share"], table["success_share"] = (
        table["affiliation"].map(target).astype(float),
        table["affiliation"].map(success).astype(float),
    )
    table["gap_share"] = table["target_share"] - table["our_share"]
    table = table[table["gap_share"] > 0].reset_index(drop=True)
    total, ours = table["eligible_referrals_n"].to_numpy(float), table["our_referrals_n"].to_numpy(float)
    table["recoverable_referrals_n"] = total * table["gap_share"]
    table["recoverable_usd"] = table["recoverable_referrals_n"] * contribution_usd * table["success_share"]
    rng = np.random.default_rng(seed)
    share = rng.beta(ours + 0.5, total - ours + 0.5, size=(draws, len(table)))
    chance = table["success_share"].to_numpy()
    # Probability 0 or 1 is certain: the Beta would not exist.
    sure = (chance <= 0) | (chance >= 1)
    odds = np.where(sure, 0.5, chance)
    chances = np.where(sure, chance, rng.beta(attempts * odds, attempts * (1 - odds), size=(draws, len(table))))
    money = total * np.clip(table["target_share"].to_numpy() - share, 0, None) * contribution_usd * chances
    low, high = np.quantile(money, [alpha / 2, 1 - alpha / 2], axis=0) if len(table) else (np.array([]), np.array([]))
    table["recoverable_low"], table["recoverable_high"] = low, high
    return table.sort_values(["recoverable_usd", "npi"], ascending=[False, True], ignore_index=True)


def reasons(table: pd.DataFrame, *, labels: pd.Series, leaking: str | None = None) -> pd.Series:
    """Why each clinician is on the list, the most telling reason first.

    `labels` is the change of each NPI between two periods (see `changes`); `leaking` the specialty that leaks most.
    """
    moved = table["npi"].map(labels)
    affiliated_leak = (table["specialty"] == leaking) & (table["affiliation"] == "affiliated")
    cases = [moved == changes.LOST, moved == changes.DECLINING, affiliated_leak, table["tier"] == LOST, table["tier"] == SPLITTER]
    keys = ["lost", "declining", "specialty", "tier_lost", "splitter"]
    return pd.Series(np.select(cases, [REASONS[key] for key in keys], REASONS["below"]), index=table.index, name="reason")


def pooled(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the list into rows that may be shown one by one, and the rest, whose counts are `hidden`, summed by reason.

    Returns
    -------
    The rows to show, and per `reason` of the others `clinicians_n`, `eligible_referrals_n`, `recoverable_usd`.
    """
    small = table["hidden"].astype(bool)
    rest = (
        table[small]
        .groupby("reason", as_index=False)
        .agg(
            clinicians_n=("npi", "nunique"),
            eligible_referrals_n=("eligible_referrals_n", "sum"),
            recoverable_usd=("recoverable_usd", "sum"),
        )
    )
    return table[~small].reset_index(drop=True), rest.sort_values(["recoverable_usd", "reason"], ascending=[False, True], ignore_index=True)


def rounded(report: "Report", referrers: pd.DataFrame, rules: "Referrals") -> pd.DataFrame:
    """Rows of `referrers` from the counts that the page may show: share and tier anew, and whether a count of the row is `hidden`.

    A hidden count stands as the middle of what it can be, so that dollars and order of the list tell nothing of it.
    """
    counts = ["eligible_referrals_n", "our_referrals_n"]
    shown = report.protect(referrers[["npi", *counts]], sources=["referrals", "clinicians"], order="eligible_referrals_n")
    table = filled(shown).assign(hidden=shown.filter(like="_suppressed").any(axis=1))
    table["our_share"] = table["our_referrals_n"] / table["eligible_referrals_n"].where(table["eligible_referrals_n"] > 0)
    table["tier"] = tier(table["our_share"], loyal=rules.loyal_share.value, lost=rules.lost_share.value)
    return table.merge(referrers[["npi", "clinician", "affiliation", "specialty"]], on="npi", validate="one_to_one")


def referrers(referrals: pd.DataFrame, clinicians: pd.DataFrame, rules: "Referrals") -> pd.DataFrame:
    """`loyalty` of every referring clinician by the cut-points of the settings, with the clinician's columns."""
    table = loyalty(referrals, loyal=rules.loyal_share.value, lost=rules.lost_share.value)
    return table.merge(clinicians, on="npi", validate="one_to_one")


def ranked(
    referrers: pd.DataFrame, moved: pd.DataFrame, rules: "Referrals", *, referral_usd: float, leaking: Collection[str] = ()
) -> pd.DataFrame:
    """The outreach list by the targets and chances of the settings: `recoverable` in a year, with the `reason` of each row.

    Parameters
    ----------
    referrers
        Rows of `referrers`.
    moved
        Changes of the referrals to us, one row per `npi` with its `label`.
    referral_usd
        What a referral to us is worth.
    leaking
        Specialties that leak measurably, the most costly first.
    """
    table = recoverable(
        referrers,
        target={"affiliated": rules.keepage_target_share.value, "independent": rules.split_target_share.value},
        success={"affiliated": rules.win_affiliated_share.value, "independent": rules.win_independent_share.value},
        contribution_usd=referral_usd * 4 / rules.period_quarters,
        attempts=rules.win_certainty_n.value,
        seed=rules.seed,
    )
    return table.assign(reason=reasons(table, labels=moved.set_index("npi")["label"], leaking=next(iter(leaking), None)))


def directory(clinicians: pd.DataFrame, specialties: pd.DataFrame, *, audience: Literal["internal", "leadership"]) -> pd.DataFrame:
    """Clinicians with the `specialty` and `role` of their taxonomy code, and what the page calls them in `clinician` (see `label`).

    A code that the table of specialties does not have stands as the specialty: its clinicians are lost from no total.
    """
    table = clinicians.merge(specialties, on="taxonomy_code", how="left", validate="many_to_one")
    table["specialty"] = table["specialty"].fillna("Taxonomy code " + table["taxonomy_code"].astype(str))
    return table.assign(clinician=label(table, audience=audience))


def label(clinicians: pd.DataFrame, *, audience: Literal["internal", "leadership"]) -> pd.Series:
    """What a page may call each clinician: name, specialty and town for internal readers; never a name for others.

    For other readers a label is a number within the specialty, or within all where fewer than three share it. Numbers follow a hash over
    the whole private table, so that nobody who knows the clinicians can count them off; a list with other rows numbers them anew.

    Raises
    ------
    ValueError
        The audience is neither of the two: naming must be a decision, not a slip.
    """
    if audience == "internal":
        names = clinicians["given_name"] + " " + clinicians["family_name"]
        return ("Dr. " + names + " (" + clinicians["specialty"] + ", " + clinicians["city"] + ")").rename("clinician")
    if audience != "leadership":
        raise ValueError(f"audience must be internal or leadership, not {audience!r}")
    group = clinicians["specialty"].where(clinicians.groupby("specialty")["npi"].transform("size") >= ALIKE, "Clinician")
    table = clinicians.sort_values("npi", kind="stable").to_csv(index=False)
    places = clinicians["npi"].astype(str).map(lambda npi: sha256(f"{table}{npi}".encode()).hexdigest()).sort_values(kind="stable").index
    number = group.loc[places].groupby(group.loc[places]).cumcount() + 1
    return (group + " no. " + number.reindex(clinicians.index).astype(str)).rename("clinician")
