"""Mutated files of every kind: an accepted file gives right numbers, every other one clear sentence; nothing else ever happens."""

import csv
import io
import random
import tracemalloc

import pandas as pd
import pytest
import test_importers as samples

from catchment.data import importing
from catchment.data.importing import engine

FILES = {
    "hospital_service_area": ("HSAF_2020.csv", samples.HSAF + samples.HSAF_ROWS),
    "hospital_information": ("HGI_2026.csv", samples.HGI_NEW + samples.HGI_ROWS),
    "inpatient_by_service": ("MUP_INP_DY24_PrvSvc.csv", samples.DRG),
    "physician_by_service": ("MUP_PHY_2021.csv", samples.PHYSICIAN),
    "physician_by_provider": ("MUP_PHY_2021.csv", samples.PROVIDERS),
    "nppes": ("npidata_pfile_20050523-20240107.csv", samples.NPPES + samples.NPPES_ROWS),
    "state_cancer_profiles": ("incd.csv", samples.SCP_NEW),
    "uscs_by_age": ("BYAGE.TXT", samples.BY_AGE),
    "uscs_by_county": ("BYAREA_COUNTY.TXT", samples.BY_COUNTY),
    "census_age_sex": ("cc-est2023-alldata-17.csv", samples.CC_EST),
    "dartmouth_crosswalk": ("ZipHsaHrr19.csv", samples.DARTMOUTH),
    "hud_crosswalk": ("ZIP_COUNTY_122020.csv", samples.HUD),
    "ahrf": ("AHRF2025geo.csv", samples.AHRF),
    "clinical_trials": ("ctg.csv", samples.TRIALS),
}
FORMULAS = [
    "=1+1",
    "@SUM(A1)",
    "+cmd|' /C calc'!A0",
    "-2+3",
    '=HYPERLINK("http://x")',
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "NaN",
    "1e400",
    "0x1F",
    "١٢",
    "1_000",
    "12,34",
    "--5",
    "∞",
    "1.5.2",
]


def parsed(kind):
    """Lines above the header, header, rows and what follows, of the sample."""
    _, text = FILES[kind]
    delimiter = "|" if kind.startswith("uscs") else ","
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if line.count(delimiter) > 2 and "Sexes" not in line)
    below = text.split("\n\nFootnotes")[0] if "Footnotes" in text else text
    table = list(csv.reader(io.StringIO("\n".join(below.split("\n")[start:])), delimiter=delimiter))
    return "\n".join(lines[:start]), table[0], [row for row in table[1:] if row], delimiter


def written(above, header, rows, delimiter):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return (above + "\n" if above else "") + out.getvalue()


def truncated(dice, text, **_):
    return text.encode()[: dice.randrange(1, len(text.encode()))]


def columns_shuffled(dice, above, header, rows, delimiter, **_):
    order = dice.sample(range(len(header)), len(header))
    return written(above, [header[place] for place in order], [[row[place] for place in order] for row in rows], delimiter)


def contents_swapped(dice, above, header, rows, delimiter, kind, **_):
    """The contents of an identifier's column and a number's column change places under unchanged headers."""
    places = engine.match(importing.LAYOUTS[kind], header).places
    typed = {True: [], False: []}
    for field in importing.LAYOUTS[kind].fields:
        if field.name in places and field.type != "text":
            typed[field.type in ("integer", "number")].append(places[field.name])
    if not (typed[True] and typed[False]):
        return written(above, header, [row[::-1] for row in rows], delimiter)
    first, second = dice.choice(typed[True]), dice.choice(typed[False])
    swapped = [
        [row[second] if place == first else row[first] if place == second else cell for place, cell in enumerate(row)] for row in rows
    ]
    return written(above, header, swapped, delimiter)


def cell_replaced(dice, above, header, rows, delimiter, **_):
    rows = [list(row) for row in rows]
    row = dice.choice(rows)
    row[dice.randrange(len(row))] = dice.choice(FORMULAS)
    return written(above, header, rows, delimiter)


def column_dropped(dice, above, header, rows, delimiter, **_):
    gone = dice.randrange(len(header))
    return written(
        above,
        [cell for place, cell in enumerate(header) if place != gone],
        [[cell for place, cell in enumerate(row) if place != gone] for row in rows],
        delimiter,
    )


def cells_shifted(dice, above, header, rows, delimiter, **_):
    place = dice.randrange(len(rows))
    return written(above, header, [[*row[1:], ""] if number == place else row for number, row in enumerate(rows)], delimiter)


def row_widened(dice, above, header, rows, delimiter, **_):
    place = dice.randrange(len(rows))
    return written(above, header, [[*row, *["x"] * 10_000] if number == place else row for number, row in enumerate(rows)], delimiter)


def field_enormous(dice, above, header, rows, delimiter, **_):
    rows = [list(row) for row in rows]
    row = dice.choice(rows)
    row[dice.randrange(len(row))] = "9" * 1_500_000
    return written(above, header, rows, delimiter)


def row_doubled(dice, above, header, rows, delimiter, **_):
    return written(above, header, [*rows, dice.choice(rows)], delimiter)


def encoded_wrongly(dice, text, **_):
    return dice.choice(
        [
            text.encode("utf-16-le"),
            text.encode("utf-32"),
            text.encode()[::-1],
            b"\xff\xfe" + text.encode(),
            text.encode("utf-7"),
            bytes(dice.randrange(256) for _ in range(2000)),
        ]
    )


def quote_stray(dice, text, **_):
    place = dice.randrange(len(text))
    return (text[:place] + '"' + text[place:]).encode()


def byte_flipped(dice, text, **_):
    raw = bytearray(text.encode())
    for _ in range(3):
        raw[dice.randrange(len(raw))] = dice.randrange(32, 256)
    return bytes(raw)


HARMFUL = [
    truncated,
    columns_shuffled,
    contents_swapped,
    cell_replaced,
    column_dropped,
    cells_shifted,
    row_widened,
    field_enormous,
    row_doubled,
    encoded_wrongly,
    quote_stray,
]


def imported(kind, content, folder, name):
    path, target = folder / name, folder / "out.parquet"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        result = engine.convert_file(importing.LAYOUTS[kind], path, target)
    except importing.ImportRefused as error:
        assert len(str(error)) < 600
        assert "\n" not in str(error)
        assert not target.exists()
        return None, None
    finally:
        assert not list(folder.glob("*.part"))
    return result, pd.read_parquet(target)


def numbers(frame, layout):
    """What must be right: the key, and every value that is no free text."""
    named = {field.name for field in layout.fields if field.type == "text" and not field.pattern and field.name not in layout.key}
    kept = [column for column in frame.columns if column not in named and not (frame[column].dtype == "str" and column not in layout.key)]
    frame = frame[kept].dropna(subset=["value"]) if "value" in kept else frame[kept]  # of the health resources what is no number is text
    return {
        tuple("" if pd.isna(value) else str(float(value) if isinstance(value, int | float) else value) for value in row)
        for row in frame.itertuples(index=False)
    }


@pytest.fixture(scope="module")
def outcomes():
    counts = {"accepted": 0, "refused": 0, "kinds": 0}
    yield counts
    if counts["kinds"] == len(FILES):  # both ends of the scale are reached, when all kinds ran
        assert counts["accepted"] > 30
        assert counts["refused"] > 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_a_mutated_file_gives_right_numbers_or_a_clear_refusal(kind, tmp_path, outcomes):
    name, text = FILES[kind]
    layout = importing.LAYOUTS[kind]
    above, header, rows, delimiter = parsed(kind)
    (tmp_path / "clean").mkdir()
    clean, frame = imported(kind, text, tmp_path / "clean", name)
    assert clean.rejected == 0
    right = numbers(frame, layout)
    outcomes["kinds"] += 1
    for mutate in HARMFUL:
        for seed in range(2):
            content = mutate(
                random.Random(f"{kind}{mutate.__name__}{seed}"),
                text=text,
                above=above,
                header=header,
                rows=rows,
                delimiter=delimiter,
                kind=kind,
            )
            folder = tmp_path / f"{mutate.__name__}{seed}"
            folder.mkdir()
            result, found = imported(kind, content, folder, name)
            outcomes["accepted" if result else "refused"] += 1
            if result:
                wrong = numbers(found, layout) - right
                assert not wrong or _only_free_text(mutate, layout, kind), f"{mutate.__name__} {seed}: {sorted(wrong)[:3]}"


def _only_free_text(mutate, layout, kind):
    """A replaced or shifted name may be part of a key (an area, a site): the numbers beside it stay what they were."""
    return mutate in (cell_replaced, column_dropped, quote_stray, encoded_wrongly) and any(
        field.name in layout.key and field.type == "text" for field in layout.fields
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_flipped_bytes_never_raise_anything_else(kind, tmp_path):
    name, text = FILES[kind]
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        result, found = imported(kind, byte_flipped(random.Random(f"{kind}{seed}"), text=text), folder, name)
        assert result is None or len(found) == result.rows


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "BATCH_CELLS", 5_000)

    def peak(rows):
        folder = tmp_path / str(rows)
        folder.mkdir()
        path = folder / "HSAF_2020.csv"
        with path.open("w") as stream:
            stream.write(samples.HSAF)
            stream.writelines(f"{100000 + number // 900:06d},{10000 + number % 900:05d},120,350000,30\n" for number in range(rows))
        tracemalloc.start()
        engine.convert_file(importing.LAYOUTS["hospital_service_area"], path, folder / "out.parquet")
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    peak(1_000)
    # The rows alone, held as text, would take some 500 bytes each.
    assert peak(10_000) - peak(2_500) < 80 * 7_500
