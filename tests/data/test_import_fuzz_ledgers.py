"""Mutated referral and gift exports: rows are right, set aside with a reason, or the file is refused in one sentence."""

import random

import pandas as pd
import pytest
import test_import_fuzz as fuzz
import test_referral_importers as referrals

from catchment.data import importing
from catchment.data.importing import engine

LEDGER = """Gift ID,Constituent ID,Gift Date,Gift Amount,Gift Type,Fund ID
A,1,1/2/2024,500,Cash,F1
B,2,3/15/2024,"1,250.50",Cash,F1
C,1,12/31/2024,75,Stock/Property,F2
"""
FILES = {
    "shared_patients_cms": ("physician-shared-patient-patterns-2015-days180.txt", referrals.CMS), "shared_patients_docgraph": ("links_2014.csv", referrals.DOCGRAPH),
    "hop_teaming": ("links_2014.csv", referrals.HOP), "care_compare_clinicians": ("DAC_NationalDownloadableFile_2024.csv", referrals.DAC),
    "facility_affiliation": ("Facility_Affiliation_2024.csv", referrals.AFFILIATION), "raisers_edge_gifts": ("export.csv", LEDGER),
}  # fmt: skip
NUMBERS = ["amount_usd", "patients_n", "pairs_n", "same_day_n"]


def cell_replaced(dice, text):
    lines = text.split("\n")
    row = dice.randrange(len(lines) - 1)
    cells = lines[row].split(",")
    cells[dice.randrange(len(cells))] = dice.choice(fuzz.FORMULAS)
    return "\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]])


MUTATIONS = {
    "truncated": lambda dice, text: text[: dice.randrange(len(text))],
    "cell replaced": cell_replaced,
    "byte flipped": lambda dice, text: fuzz.byte_flipped(dice, text=text),
    "encoded wrongly": lambda dice, text: text.encode("utf-16"),
    "enormous field": lambda dice, text: text.replace(",", "," + "9" * 200_000, 1),
    "10,000 columns": lambda dice, text: "\n".join(line + "," * 10_000 for line in text.split("\n")),
    "stray quote": lambda dice, text: text.replace(",", ',"', dice.randrange(1, 4)),
    "empty": lambda dice, text: "",
}  # fmt: skip


def brought(kind, content, folder):
    """The imported frame, or None where the file was refused; anything else is an error."""
    folder.mkdir()
    path, target = folder / FILES[kind][0], folder / "out.parquet"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    layout = importing.LAYOUTS[kind]
    try:
        engine.convert_file(layout, path, target, constants={"partner": "dunes"} if layout.scope == "partner" else None)
    except importing.ImportRefused as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 600
        assert not target.exists()
        return None
    finally:
        assert not list(folder.glob("*.part"))
    return pd.read_parquet(target)


@pytest.mark.parametrize("kind", FILES)
def test_a_mutated_export_gives_right_numbers_or_a_clear_refusal(kind, tmp_path):
    text = FILES[kind][1]
    clean = brought(kind, text, tmp_path / "clean")
    assert len(clean)
    columns = [column for column in NUMBERS if column in clean.columns]
    right = {value for column in columns for value in clean[column].dropna().abs()}
    for name, mutate in MUTATIONS.items():
        for seed in range(2):
            found = brought(kind, mutate(random.Random(f"{kind}{name}{seed}"), text), tmp_path / f"{name}{seed}")
            if found is not None and name in ("encoded wrongly", "10,000 columns"):
                assert {value for column in columns for value in found[column].dropna().abs()} <= right, name
