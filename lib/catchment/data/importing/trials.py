"""Studies from ClinicalTrials.gov, as its CSV download gives them.

One row per study. Dates may name a month only; the first day then stands for it. Locations are one text of all sites, in which
`|` parts the sites.
"""

import pandas as pd

from .layout import Field, Layout


def _sites(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(sites_n=rows["locations"].str.count(r"\|").add(1).fillna(0).astype("int64"))


def _day(name: str, *aliases: str) -> Field:
    return Field(
        name=name,
        aliases=aliases,
        type="date",
        nullable=True,
        required=False,
        meaning=f"{name.replace('_', ' ')}, the first of the month where only that is known",
    )


def _text(name: str, *aliases: str, required: bool = False) -> Field:
    return Field(name=name, aliases=aliases, nullable=True, required=required, meaning=name.replace("_", " "))


_FIELDS = [
    Field(name="nct", aliases=["NCT Number", "NCTId"], pattern=r"NCT\d{8}", meaning="number of the study"),
    Field(name="title", aliases=["Study Title", "Title", "BriefTitle"], meaning="title"),
    Field(name="status", aliases=["Study Status", "Status", "OverallStatus"], meaning="status as given"),
    _text("conditions", "Conditions", required=True),
    _text("interventions", "Interventions"),
    _text("sponsor", "Sponsor", "Sponsor/Collaborators"),
    _text("sex", "Sex", "Gender"),
    _text("ages", "Age"),
    _text("phases", "Phases"),
    Field(
        name="enrollment_n",
        aliases=["Enrollment"],
        type="integer",
        min=0,
        nullable=True,
        required=False,
        unit="people",
        meaning="planned or actual enrollment",
    ),
    _text("funder", "Funder Type", "Funded Bys"),
    _text("study_type", "Study Type"),
    _day("start_date", "Start Date"),
    _day("primary_completion_date", "Primary Completion Date"),
    _day("completion_date", "Completion Date"),
    _day("updated_date", "Last Update Posted"),
    _text("locations", "Locations"),
]

TRIALS = Layout(
    kind="clinical_trials",
    title="Clinical trials",
    producer="U.S. National Library of Medicine, ClinicalTrials.gov",
    key=["nct"],
    year="",
    period="",
    license="public domain, with attribution",
    fields=_FIELDS,
    tidy=_sites,
    columns={field.name: field.column for field in _FIELDS}
    | {"sites_n": Field(name="sites_n", aliases=[], type="integer", min=0, meaning="sites listed").column},
)

LAYOUTS = (TRIALS,)
