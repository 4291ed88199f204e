"""Every metric of the philanthropy page on a ledger of 5 million gifts: seconds, peak memory, and growth with size.

`python tests/benchmarks/bench_philanthropy.py [gifts ...]` prints one line per metric; limits: 10 s for each and 2 GB for all. Times are
processor seconds, which other work on the machine does not stretch. Each size runs in a process of its own, so that its peak memory is
its own; the ledger (a fifth as many donors as gifts, 15 fiscal years) is made in that memory and counts.
"""

import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from catchment.philanthropy import donor_models, donor_segments, giving, pipeline, pledges, pyramid, raised, year_end
from catchment.stats import concentration

AS_OF = pd.Timestamp("2025-12-31")
YEAR, LAST = 2026, 2025
TYPES = np.array(["outright", "recurring", "event", "donor-advised", "stock", "matching", "in kind", "grant"])
PROGRAMS = np.array(["annual giving", "annual giving", "events", "annual giving", "major gifts", "corporate", "corporate", "grants"])


def ledger(gifts_n: int) -> dict[str, pd.DataFrame]:
    """A ledger with the columns, types and skew of a large office's."""
    random, donors_n = np.random.default_rng(1), gifts_n // 5
    weight = random.pareto(1.2, donors_n) + 0.2
    donor = np.searchsorted(np.cumsum(weight) / weight.sum(), random.random(gifts_n))
    first = random.integers(0, 13 * 365, donors_n)
    day = np.minimum(first[donor] + random.exponential(900, gifts_n), 14.5 * 365 - 1).astype(int)
    kind = random.choice(len(TYPES), gifts_n, p=[0.5, 0.3, 0.1, 0.02, 0.02, 0.02, 0.02, 0.02])
    ids = pd.Series(np.char.add("D", np.arange(donors_n).astype("U8")), dtype="str")
    pledge = np.where(np.arange(gifts_n) % 200 == 0, "P", "")
    gifts = pd.DataFrame(
        {
            "gift_id": pd.Series(np.char.add("G", np.arange(gifts_n).astype("U8")), dtype="str"),
            "donor_id": ids.take(donor).reset_index(drop=True),
            "gift_date": np.datetime64("2011-07-01") + day.astype("timedelta64[D]"),
            "gift_type": pd.Series(TYPES, dtype="str").take(kind).reset_index(drop=True),
            "amount_usd": np.round(random.lognormal(4, 1.3, gifts_n), 2),
            "program": pd.Series(PROGRAMS, dtype="str").take(kind).reset_index(drop=True),
            "designation_id": pd.Series([f"F{n}" for n in range(40)], dtype="str")
            .take(random.integers(0, 40, gifts_n))
            .reset_index(drop=True),
            "campaign_id": pd.Series(["C1", None], dtype="str").take(random.integers(0, 2, gifts_n)).reset_index(drop=True),
        }
    )
    paying = np.flatnonzero(pledge == "P")
    gifts.loc[paying, "gift_type"] = "pledge payment"
    gifts["pledge_id"] = pd.Series([None], dtype="str").take(np.zeros(gifts_n, dtype=int)).reset_index(drop=True)
    gifts.loc[paying, "pledge_id"] = [f"P{n // 4}" for n in range(len(paying))]
    due = pd.DataFrame(
        {
            "pledge_id": gifts.loc[paying, "pledge_id"].to_numpy(),
            "due_date": gifts.loc[paying, "gift_date"].to_numpy() + np.timedelta64(9, "D"),
            "due_usd": gifts.loc[paying, "amount_usd"].to_numpy() * 1.1,
        }
    )
    sources = pd.Series(["mail", "online", "event", "grateful patient"], dtype="str")
    donors = pd.DataFrame(
        {
            "donor_id": ids,
            "household_id": ids.where(np.arange(donors_n) % 10 > 0, ids.shift(-1).fillna("D0")),
            "source": sources.take(random.integers(0, 4, donors_n)).reset_index(drop=True),
            "kind": "household",
            "grateful_patient": random.random(donors_n) < 0.1,
        }
    )
    advised = gifts.loc[gifts["gift_type"] == "donor-advised", ["gift_id", "amount_usd"]]
    soft = advised.assign(donor_id=ids.take(random.integers(0, donors_n, len(advised))).to_numpy(), reason="donor-advised")
    goals = pd.DataFrame({"fiscal_year": YEAR, "basis": ["cash", "production"], "program": "annual giving", "goal_usd": 1e8})
    campaigns = pd.DataFrame(
        {"campaign_id": ["C1"], "campaign": ["Light"], "goal_usd": [5e8], "start_date": ["2020-07-01"], "end_date": ["2027-06-30"]}
    )
    return {"gifts": gifts, "donors": donors, "soft": soft, "due": due, "goals": goals, "campaigns": campaigns}


def pipe(proposals_n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Proposals with stage histories, in proportion to the ledger."""
    random = np.random.default_rng(2)
    ids = np.char.add("Q", np.arange(proposals_n).astype("U7"))
    closed = random.random(proposals_n) < 0.8
    start = np.datetime64("2015-01-01") + random.integers(0, 3600, proposals_n).astype("timedelta64[D]")
    outcome = np.where(closed, random.choice(["funded", "declined"], proposals_n), None)
    proposals = pd.DataFrame(
        {
            "proposal_id": ids,
            "ask_usd": random.lognormal(10, 1, proposals_n),
            "outcome": outcome,
            "ask_date": start,
            "closed_date": pd.Series(start + np.timedelta64(200, "D")).where(closed),
            "funded_usd": 1_000.0,
            "next_move_date": pd.NaT,
        }
    )
    stages = pd.concat(
        [
            pd.DataFrame({"proposal_id": ids, "stage": stage, "entered_date": start + np.timedelta64(40 * rank, "D")})
            for rank, stage in enumerate(pipeline.STAGES[:4])
        ],
        ignore_index=True,
    )
    return proposals, stages


def metrics(tables: dict[str, pd.DataFrame], told) -> None:
    """The page's metrics in the page's order; `told(name, call)` runs and times each."""
    donors, due = tables["donors"], tables["due"]
    gifts = tables["gifts"] = told("repeating texts as categories", lambda: raised.compact(tables["gifts"]))
    thanked = told("recognized gifts", lambda: raised.recognized(raised.counted(gifts, basis="cash"), donors, tables["soft"]))
    given = told("giving by donor and year", lambda: giving.annual(thanked))
    told(
        "year to date, cash and production",
        lambda: [raised.year_to_date(gifts, AS_OF, basis=basis, goals=tables["goals"]) for basis in raised.POLICY],
    )
    told("raised by year", lambda: raised.raised_by_basis(gifts))
    told("to date by program", lambda: raised.to_date_by(gifts, AS_OF, "program", goals=tables["goals"]))
    told("to date by designation", lambda: raised.to_date_by(gifts, AS_OF, "designation_id"))
    told("year-end forecast", lambda: year_end.forecast(gifts, due, AS_OF))
    told("forecast back-test", lambda: year_end.back_test(gifts, due, AS_OF))
    told("campaign", lambda: year_end.campaign_outlook(raised.campaign_progress(tables["campaigns"], gifts, as_of=AS_OF), gifts, AS_OF))
    amounts = given.loc[given[LAST] > 0, LAST] / 100
    told(
        "concentration, pyramid, Lorenz",
        lambda: (
            concentration.top_shares(amounts),
            concentration.gini(amounts),
            pyramid.pyramid(amounts),
            concentration.lorenz(amounts),
        ),
    )
    told("origins", lambda: donor_segments.origins(thanked, donors, year=LAST))
    told("hard and soft credit", lambda: raised.credit(gifts[raised.in_year(gifts, LAST)], tables["soft"], donors))
    told("retention, all years", lambda: giving.retention_trend(given, through=LAST))
    told("dollar retention, movement", lambda: (giving.dollar_retention(given, LAST), giving.movement(given, LAST)))
    told("segments", lambda: donor_segments.segment_retention(given, donor_segments.labels(given, donors), LAST))
    told(
        "gains and losses",
        lambda: (giving.gains_and_losses(given, LAST), giving.growth_in_giving(given, LAST), giving.waterfall(given, LAST)),
    )
    told("cohorts", lambda: giving.cohorts(given, through=LAST))
    told("LYBUNT, SYBUNT, recaptured", lambda: giving.lapse_summary(thanked, AS_OF))
    told("recency, frequency, money", lambda: donor_segments.rfm_segments(donor_segments.rfm(thanked, AS_OF)))
    told("BG/BB outlook", lambda: donor_models.outlook_bands(donor_models.outlook(given, through=LAST)))
    told("BG/BB held out", lambda: donor_models.held_out(given, year=LAST))
    owed = told("pledge balances", lambda: pledges.balances(due, gifts[gifts["gift_type"] == "pledge payment"], as_of=AS_OF))
    told("pledge aging, fulfilment", lambda: (pledges.aging(owed), pledges.fulfilment(owed)))
    proposals, history = pipe(max(1_000, len(gifts) // 250))
    default = dict(zip(pipeline.STAGES, (0.05, 0.1, 0.25, 0.5, 0.85), strict=True))
    chances = told(
        "stage chances, Brier",
        lambda: (
            pipeline.stage_probability(history, proposals, default=default),
            pipeline.calibration_check(history, proposals, default=default, split="2023-01-01"),
        )[0],
    )
    told(
        "pipeline",
        lambda: (
            pipeline.funnel(pipeline.open_proposals(proposals, history, as_of=AS_OF), chances.set_index("stage")["probability_share"]),
            pipeline.proposal_yield(proposals),
            pipeline.cycle_days(proposals, as_of=AS_OF),
        ),
    )


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def run(gifts_n: int) -> None:
    """Every metric on a ledger of `gifts_n` gifts with its seconds, the slowest and the peak last."""
    tables, total, slowest = ledger(gifts_n), 0.0, (0.0, "")
    print(f"{gifts_n:,} gifts, {len(tables['donors']):,} donors; ledger in memory at {_peak_gb():.2f} GB peak")

    def told(name: str, call):
        nonlocal total, slowest
        began = time.process_time()
        result = call()
        total += (took := time.process_time() - began)
        slowest = max(slowest, (took, name))
        print(f"  {took:6.2f} s  {_peak_gb():5.2f} GB  {name}")
        return result

    metrics(tables, told)
    print(f"  {total:6.2f} s in all; slowest {slowest[0]:.2f} s: {slowest[1]}; peak {_peak_gb():.2f} GB")


def main(sizes: list[int]) -> None:
    """Each size in its own process, and how the time of all metrics grew."""
    times = {}
    for size in sizes:
        told = subprocess.run([sys.executable, __file__, "--one", str(size)], capture_output=True, text=True, check=True).stdout
        print(told, end="", flush=True)
        times[size] = float(told.splitlines()[-1].split()[0])
    (small, few), (large, many) = min(times.items()), max(times.items())
    if large > small:
        print(f"{large / small:.1f} times the gifts took {many / few:.1f} times as long")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run(int(sys.argv[2]))
    else:
        main([int(text) for text in sys.argv[1:]] or [500_000, 1_600_000, 5_000_000])
