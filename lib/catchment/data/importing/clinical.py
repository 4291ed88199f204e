"""Columns that a philanthropy file may not carry: what looks clinical, by its name or by its values.

45 CFR 164.514(f) lets fundraising use demographics, dates of care, department, treating physician, outcome and insurance, never a
diagnosis, a treatment or a record number.
"""

import re
from collections.abc import Mapping, Sequence

from .stream import ImportRefused

_CLINICAL = {
    "diagnosis", "diagnoses", "diagnostic", "dx", "icd", "icd9", "icd10", "icdo", "mrn", "procedure", "procedures", "cpt",
    "hcpcs", "drg", "treatment", "treatments", "medication", "medications", "prescription", "pathology", "histology", "tumor",
    "tumour", "cancer", "oncology", "prognosis", "chemo", "chemotherapy", "radiotherapy", "biopsy", "metastasis", "clinical",
    "disease", "symptom", "symptoms", "allergy", "allergies", "surgery", "lab", "labs", "phi", "encounter", "comorbidity",
    "genetic", "snomed", "loinc", "therapy",
}  # fmt: skip
_CLINICAL_PHRASES = (
    "medical record",
    "health record",
    "patient id",
    "patient number",
    "patient identifier",
    "medical condition",
    "health condition",
    "chief complaint",
    "reason for visit",
    "account number hospital",
    "tumor stage",
    "cancer stage",
    "clinical stage",
)
# Offices name funds and campaigns after the cause; a column of gifts' purposes is no clinical column.
_PURPOSE = {"fund", "designation", "campaign", "appeal", "program", "gift", "package", "event"}
_ICD = re.compile(r"^[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}$|^[CD]\d\d$")


def refuse_clinical(header: Sequence[str], name: str) -> None:
    """Refuse a header with a column that looks clinical, naming every such column.

    Raises
    ------
    ImportRefused : with the names of the columns.
    """
    found = [column for column in header if _clinical(column)]
    if found:
        listing = ", ".join(repr(column) for column in found)
        raise ImportRefused(
            f"{name}: {listing} {'looks' if len(found) == 1 else 'look'} clinical; a philanthropy file may not carry a diagnosis, "
            "treatment or record number (HIPAA fundraising rule, 45 CFR 164.514(f)). Remove the column and import again"
        )


def _clinical(column: str) -> bool:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.casefold()) if word]
    joined = " ".join(words)
    if any(phrase in joined for phrase in _CLINICAL_PHRASES):
        return True
    hits = set(words) & _CLINICAL or {word for word in words if word.startswith(("icd", "diagnos", "mrn"))}
    return bool(hits) and not (hits <= {"cancer", "oncology", "surgery", "genetic", "lab", "disease"} and set(words) & _PURPOSE)


def refuse_codes(columns: Mapping[str, Sequence[str]], name: str) -> None:
    """Refuse a column without a telling name whose values are diagnosis codes."""
    found = [
        column
        for column, values in columns.items()
        if len(values) >= 3 and sum(bool(_ICD.match(value.upper())) for value in values) > len(values) / 2
    ]
    if found:
        raise ImportRefused(
            f"{name}: the values of {', '.join(map(repr, found))} look like ICD-10 diagnosis codes; a philanthropy file may not carry "
            "them (HIPAA fundraising rule, 45 CFR 164.514(f)). Remove the column and import again"
        )
