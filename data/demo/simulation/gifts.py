"""Gift ledgers of the demo: donors, gifts, pledges, prospects, proposals, grants, expenses and goals. All invented.

Three of the four partners have a development program; riverbend has none, so no table holds a row for it. The ledgers
run from fiscal year 2017 (1 July 2016) to 31 December 2025, halfway through fiscal year 2026. Donors give yearly with an
own probability until they stop for good; funded proposals become the pledges and large gifts of the ledger; pledges are
paid late, in part or not at all as stated below; one gift in 250 is refunded or charged back.

Planted truth (what the notebook must find)
-------------------------------------------
- tallgrass: donors whose first gift came through an event mostly did not give again in fiscal year 2025.
- northpoint: one household gives more than a third of fiscal year 2025 cash.
- dunes: the campaign is behind its time, and pledges are paid late.
- riverbend: no development program.
- In every ledger proposals in the early stages are funded more often than common practice assumes.
"""

import gzip
import io
from pathlib import Path

import pandas as pd

from .gift_annual import annual_givers
from .gift_budgets import budgets, frame_of_office
from .gift_ledger import Ledger
from .gift_major import prospects
from .gift_office import OFFICES, TRUTH
from .gift_organizations import foundations, organizations

__all__ = ["TRUTH", "tables", "write"]


def tables(*partners: str) -> dict[str, pd.DataFrame]:
    """Every table of the partners (by default all with a development program), in order of partner and identifier."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for partner in partners or OFFICES:
        ledger = Ledger(partner)
        for step in (frame_of_office, organizations, foundations, prospects, annual_givers, budgets):
            step(ledger)
        for table, rows in ledger.rows.items():
            parts.setdefault(table, []).append(pd.DataFrame(rows))
    return {table: pd.concat(frames, ignore_index=True) for table, frames in parts.items()}


def write(folder: Path, *partners: str) -> None:
    """Write the tables below `folder`/gifts: one compressed CSV per table and partner, so that a partner's rows lie by themselves."""
    target = Path(folder) / "gifts"
    target.mkdir(parents=True, exist_ok=True)
    for table, frame in tables(*partners).items():
        for partner, part in frame.groupby("partner", sort=True):
            _write(part, target / f"{table}_{partner}.csv.gz")


def _write(frame: pd.DataFrame, path: Path) -> None:
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n", date_format="%Y-%m-%d")
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(text.getvalue().encode())
