"""A partner's own referrals, as its record system or referral office exports them: one row per referred patient.

The template stands in docs/reference/referral-extract.md. Only the columns named here are read: names, record numbers and birth dates
that an export may carry never reach a table; `case_id` must be a number without meaning outside of the extract.
"""

import pandas as pd

from catchment.data.catalog import Column

from .clinicians import VALID, checked
from .layout import Field, Layout

DATES = ("referral_date", "scheduled_date", "consult_date", "treatment_date")


def _date(name: str, meaning: str, *aliases: str, nullable: bool = True) -> Field:
    return Field(name=name, aliases=[name, *aliases], type="date", nullable=nullable, meaning=meaning)


FIELDS = (
    Field(
        name="case_id",
        aliases=["case_id", "referral_id"],
        pattern=r"[A-Za-z0-9-]{1,40}",
        meaning="case number without meaning outside of the extract",
    ),
    Field(name="npi", aliases=["npi", "referring_npi", "referrer_npi"], type="npi", meaning="referring clinician"),
    Field(name="site", aliases=["site", "tumor_site", "tumour_site"], meaning="tumor site, as in the incidence tables"),
    Field(name="service", aliases=["service", "referred_to_service"], meaning="oncology service asked for"),
    Field(name="destination", aliases=["destination", "referred_to"], meaning="cancer center of our network"),
    _date("referral_date", "day of the referral", nullable=False),
    _date("scheduled_date", "day on which the consultation was scheduled"),
    _date("consult_date", "day of the consultation", "seen_date"),
    _date("treatment_date", "day of the first treatment", "first_treatment_date"),
    _date(
        "followed_until",
        "last day on which the case was known to be open, or the day of treatment",
        "last_known_date",
        "closed_date",
        nullable=False,
    ),
)


def contradiction(rows: pd.DataFrame) -> pd.Series:
    """What is wrong with the dates of each row, "" when nothing."""
    said = pd.Series("", index=rows.index)
    for later in (*DATES[1:], "followed_until"):
        said = said.mask((said == "") & (rows[later] < rows["referral_date"]), f"{later} not before referral_date")
    said = said.mask((said == "") & (rows["treatment_date"] < rows["consult_date"]), "treatment_date not before consult_date")
    return said.mask((said == "") & (rows["followed_until"] < rows["consult_date"]), "followed_until not before consult_date")


EXTRACT = Layout(
    kind="referral_extract",
    title="Dated referral cases in our network",
    producer="the partner's referral office",
    license="private to the partner",
    scope="partner",
    key=["case_id"],
    suppress_below=11,
    year="",
    period="referral_date",
    fields=FIELDS,
    check=contradiction,
    tidy=checked,
    columns={field.name: field.column for field in FIELDS} | {"npi_valid": VALID},
    note="Documented orders. Import it under the name referral_cases to take the place of the simulated table.",
)

_COUNTS = ("scheduled_n", "seen_n", "treated_n", "open_n")
COUNT_FIELDS = (
    Field(name="period", aliases=["period", "quarter_start"], type="date", meaning="first day of the quarter of the referral"),
    *(field for field in FIELDS if field.name in ("npi", "site", "service", "destination")),
    Field(name="destination_system", aliases=["destination_system"], meaning="system that owns the destination"),
    Field(
        name="evidence",
        aliases=["evidence"],
        pattern="order|claims",
        meaning="order = documented order; claims = sequence of visits in claims",
    ),
    Field(name="eligible", aliases=["eligible"], type="boolean", meaning="whether the partner or its hub offers the service"),
    Field(name="referrals_n", aliases=["referrals_n", "referrals"], type="integer", min=0, unit="referrals", meaning="referrals"),
    *(
        Field(
            name=name,
            aliases=[name, name.removesuffix("_n")],
            type="integer",
            min=0,
            nullable=True,
            unit="referrals",
            meaning=f"of them {name.removesuffix('_n')} (our network only)",
        )
        for name in _COUNTS
    ),
)


def overcount(rows: pd.DataFrame) -> pd.Series:
    """Rows with more patients at a later stage than were referred."""
    more = rows[["scheduled_n", "seen_n", "treated_n"]].gt(rows["referrals_n"], axis=0).any(axis=1)
    off = ~rows["period"].dt.is_quarter_start
    return (
        pd.Series("", index=rows.index)
        .mask(more, "no more scheduled, seen or treated than referrals")
        .mask(off, "period to be the first day of a quarter")
    )


COUNTS = Layout(
    kind="referral_counts",
    title="Referrals to oncology by quarter",
    producer="the partner's referral office",
    license="private to the partner",
    scope="partner",
    key=["period", "npi", "site", "service", "destination"],
    suppress_below=11,
    year="",
    period="period",
    fields=COUNT_FIELDS,
    check=overcount,
    columns={
        field.name: Column(type="category", values=["order", "claims"], meaning=field.meaning) if field.name == "evidence" else field.column
        for field in COUNT_FIELDS
    },
    note="Import it under the name referrals to take the place of the simulated table.",
)

LAYOUTS = (EXTRACT, COUNTS)
