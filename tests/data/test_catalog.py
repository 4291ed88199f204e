"""The catalog: entries in words, mistakes with their line, the dictionary."""

from pathlib import Path

import pytest

from catchment.data import catalog, origin
from catchment.data.problem import DataError
from catchment.params import ParamsError

ROOT = Path(__file__).parents[2]
ENTRY = """tables:
  visits:
    title: Visits
    path: visits.csv
    producer: Test
    edition: 2024
    key: [zip]
    columns:
      zip: {type: text, meaning: ZIP code}
"""


def read(tmp_path, text):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data/catalog.yml").write_text(text)
    return catalog.tables(tmp_path)


def test_every_entry_of_the_repository_is_valid_and_says_what_it_is():
    for name, entry in catalog.tables(ROOT).items():
        assert entry.title and entry.producer and entry.edition, name
        assert entry.key, f"{name}: what tells one row from another?"
        assert entry.simulated == (entry.path or "").startswith("demo/"), f"{name}: what lies in data/demo is simulated, and nothing else"


def test_the_line_under_a_figure_says_what_is_simulated():
    lines = {name: origin.origin(name, entry, []).line for name, entry in catalog.tables(ROOT).items() if entry.simulated}
    assert lines
    assert [name for name, line in lines.items() if "simulated" not in line.lower()] == []


def test_private_tables_name_their_threshold_or_count_no_people():
    people = ("cases_n", "patients_n", "discharges_n", "referrals_n", "visits_n")
    for name, entry in catalog.tables(ROOT).items():
        if entry.scope == "partner" and any(column.endswith(people) for column in entry.columns):
            assert entry.suppress_below, name


def test_a_year_in_the_file_name_is_a_column(tmp_path):
    entries = read(tmp_path, ENTRY.replace("    key: [zip]", "    year_from: 'visits_(\\d{4})'\n    key: [year, zip]\n    period: year"))
    assert list(entries["visits"].columns) == ["year", "zip"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("    edition: 2024\n", "", 2, "edition: missing"),
        ("title:", "titel:", 3, "did you mean title?"),
        ("type: text", "type: txt", 9, "columns.zip.type: expected 'text'"),
        ("key: [zip]", "key: [zap]", 2, "'zap' that is not listed"),
        ("path: visits.csv", "path: ../visits.csv", 2, "expected a path below data/"),
        ("path: visits.csv", "uri: postgres://me:secret@host/db", 2, "without user or password"),
        ("path: visits.csv", "note: nowhere", 2, "either `path` or `uri`"),
        ("type: text", "type: category", 9, "expected `values`"),
        ("type: text", "type: text, min: 0", 9, "only with numbers and dates"),
        ("type: text", "type: text, references: zip.zips", 9, "no column zip.zips"),
        ("    key: [zip]", "    scope: partner\n    key: [zip]", 2, "'partner' that is not listed"),
        ("      zip: {type: text, meaning: ZIP code}", "      zip: {type: text}", 9, "meaning: missing"),
    ],
)
def test_a_mistake_in_an_entry_names_its_line(tmp_path, old, new, line, said):
    assert old in ENTRY
    with pytest.raises(ParamsError) as caught:
        read(tmp_path, ENTRY.replace(old, new))
    problem = next(problem for problem in caught.value.problems if said in str(problem))
    assert (problem.file, problem.line) == ("data/catalog.yml", line)
    assert "secret" not in str(caught.value)


def test_an_unknown_table_is_told_with_the_nearest_one(tmp_path):
    read(tmp_path, ENTRY)
    with pytest.raises(DataError, match=r"expected a table listed in data/catalog.yml, found 'visit' \(did you mean visits\?\)"):
        catalog.table(tmp_path, "visit")


def test_an_edited_catalog_is_read_anew_and_changes_the_digest(tmp_path):
    read(tmp_path, ENTRY)
    before = catalog.entry_digest("visits", tmp_path)
    assert catalog.entry_digest("visits", tmp_path) == before
    read(tmp_path, ENTRY.replace("meaning: ZIP code", "meaning: ZIP code of the visitor"))
    assert catalog.entry_digest("visits", tmp_path) != before


def test_the_data_dictionary_is_current():
    assert (ROOT / "docs/reference/data-dictionary.md").read_text() == catalog.dictionary(ROOT), "run: python -m catchment.data.catalog"


def test_the_dictionary_escapes_what_would_break_its_table(tmp_path):
    read(tmp_path, ENTRY.replace("meaning: ZIP code", "meaning: a | b"))
    assert "a \\| b" in catalog.dictionary(tmp_path)
