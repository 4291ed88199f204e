"""A kind for every table that a partner's own file can replace, made from its entry in the catalog.

A file in the columns of the catalog is read under their names, with or without the ending that says the unit (`cases_n` or `Cases`),
and any other under those of a mapping. Where an office's export asks for more (a ledger of gifts, referrals with dates that follow one
another), the layout made for it reads the file, under the table's name.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catchment.data.catalog import PRIVATE, Column, Table, listed, real

from .layout import IDENTIFIERS, Field, Layout

MADE_FOR = {
    "gifts": "gift_template", "soft_credits": "soft_credit_template", "donors": "donor_template", "referrals": "referral_counts",
    "referral_cases": "referral_extract",
}  # fmt: skip
_ENDINGS = ("_n", "_usd", "_share", "_date", "_id", "_days", "_fte")
_NAMED = {"zip": "zip", "county_fips": "fips", "npi": "npi", "ccn": "ccn", "state": "state"}


def known(root: Path, layouts: Mapping[str, Layout]) -> dict[str, Layout]:
    """The layout of each table that is simulated until a partner brings its own, by the table's name."""
    return {
        name: dataclasses.replace(layouts[MADE_FOR[name]], kind=name, own=True, totals=True) if name in MADE_FOR else _layout(name, table)
        for name, table in listed(root).items()
        if table.simulated and not table.year_from
    }


def _layout(name: str, table: Table) -> Layout:
    columns = {key: column for key, column in table.columns.items() if key != "partner" or table.scope != "partner"}
    return Layout(
        kind=name,
        title=real(table).title,
        producer="the partner",
        license=PRIVATE,
        scope="partner" if table.scope == "partner" else "none",
        own=True,
        totals=True,
        key=[key for key in table.key if key in columns],
        suppress_below=table.suppress_below,
        year="",
        period=table.period or "",
        fields=[_field(key, column, columns) for key, column in columns.items()],
        columns={key: column.model_copy(update={"source": None}) for key, column in columns.items()},
    )


def _field(name: str, column: Column, others: Mapping[str, Column]) -> Field:
    kind: Any = _NAMED.get(name, "text") if column.type in ("text", "category") else column.type
    share = column.share if column.share is not None else name.endswith("share")
    least, most = (float(end) if end is not None and kind in ("integer", "number") else None for end in (column.min, column.max))
    stem = next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), name)
    return Field(
        name=name,
        aliases=list(dict.fromkeys(filter(None, [name, column.source, stem if stem not in others else ""]))),
        type=kind,
        meaning=column.meaning,
        unit=column.unit,
        required=not column.nullable,
        nullable=column.nullable,
        suppressed=column.suppressed,
        min=0 if share or (least is None and name.endswith("_n")) else least,
        max=100 if share else most,
        percent=share,
        or_fraction=share,
        pattern="" if kind in IDENTIFIERS else column.pattern or "",
    )
