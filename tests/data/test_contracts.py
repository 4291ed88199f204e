"""Contracts: each kind of breach gives one message with file, column, row, expectation and what was found."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment import data, params
from catchment.data import catalog, contracts
from catchment.data.catalog import Column

ROOT = Path(__file__).parents[2]
CATALOG = """tables:
  zips:
    title: ZIPs
    path: zips.csv
    producer: Test
    edition: 2024
    key: [zip]
    columns:
      zip: {type: text, pattern: '\\d{5}', meaning: ZIP code}
  stays:
    title: Stays
    path: stays.csv
    producer: Test
    edition: 2024
    suppress_below: 11
    key: [zip, day]
    columns:
      zip: {from: ZIP_CD, type: text, references: zips.zip, meaning: ZIP code of residence}
      day: {type: date, min: 2020-01-01, meaning: day of discharge}
      cases_n: {from: CASES, type: integer, suppressed: ['*'], meaning: discharges}
      share: {type: number, meaning: share of the ZIP}
      kind: {type: category, values: [elective, urgent], meaning: kind of admission}
      change_n: {type: integer, min: -5, meaning: change against last year}
      paid: {type: boolean, nullable: true, meaning: whether paid}
"""
ROWS = ["60543,2024-01-31,12,0.5,elective,-2,true", "60544,2024-02-29,*,1,urgent,0,", "60543,2024-02-29,0,0,urgent,3,no"]
HEADER = "ZIP_CD,day,CASES,share,kind,change_n,paid"
SETTINGS = params.load("dunes", root=ROOT)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text(CATALOG)
    (tmp_path / "data/zips.csv").write_text("zip\n60543\n60544\n")
    write(tmp_path, ROWS)
    return tmp_path


def write(project, rows, header=HEADER):
    (project / "data/stays.csv").write_text("\n".join([header, *rows]) + "\n")


def problem(project, **filters):
    with pytest.raises(data.DataError) as caught:
        data.Tables(SETTINGS, root=project).read("stays", **filters)
    return caught.value.problem


def test_what_is_right_is_read_with_its_types(project):
    frame = data.Tables(SETTINGS, root=project).read("stays")
    assert list(frame.columns) == ["zip", "day", "cases_n", "cases_n_suppressed", "share", "kind", "change_n", "paid"]
    assert frame["zip"].tolist() == ["60543", "60544", "60543"]
    assert frame["cases_n"].isna().tolist() == [False, True, False]
    assert frame["cases_n_suppressed"].tolist() == [False, True, False]
    assert frame["cases_n"].iloc[2] == 0
    assert frame["day"].dt.day.tolist() == [31, 29, 29]
    assert frame["paid"].tolist()[::2] == [True, False]
    assert frame["paid"].isna().tolist() == [False, True, False]
    assert frame["change_n"].dtype == "int64"


@pytest.mark.parametrize(
    ("row", "column", "expected", "found"),
    [
        ("60545,2024-03-01,12,0.5,elective,0,", "zip (ZIP_CD)", "a value listed in zips.zip", "'60545'"),
        ("60543,2023-02-30,12,0.5,elective,0,", "day", "a date such as 2025-12-31", "'2023-02-30'"),
        ("60543,3/1/2024,12,0.5,elective,0,", "day", "a date such as 2025-12-31", "'3/1/2024'"),
        ("60543,20240301,12,0.5,elective,0,", "day", "a date such as 2025-12-31", "'20240301'"),
        ("60543,2019-12-31,12,0.5,elective,0,", "day", "a date from 2020-01-01 to 2200-12-31", "2019-12-31"),
        ("60543,2024-03-01,-1,0.5,elective,0,", "cases_n (CASES)", "a count not below 0", "-1"),
        ("60543,2024-03-01,1.5,0.5,elective,0,", "cases_n (CASES)", "a whole number", "'1.5'"),
        ('60543,2024-03-01,"1,200",0.5,elective,0,', "cases_n (CASES)", "a whole number", "'1,200'"),
        ("60543,2024-03-01,**,0.5,elective,0,", "cases_n (CASES)", "a whole number", "'**'"),
        ("60543,2024-03-01,,0.5,elective,0,", "cases_n (CASES)", "a whole number", "an empty cell"),
        ("60543,2024-03-01,99999999999999999999,0.5,elective,0,", "cases_n (CASES)", "a whole number", "'99999999999999999999'"),
        ("60543,2024-03-01,12,1.01,elective,0,", "share", "a share from 0 to 1", "1.01"),
        ("60543,2024-03-01,12,50 %,elective,0,", "share", "a number", "'50 %'"),
        ("60543,2024-03-01,12,nan,elective,0,", "share", "a number", "'nan'"),
        ("60543,2024-03-01,12,1e999,elective,0,", "share", "a share from 0 to 1", "inf"),
        ("60543,2024-03-01,12,0.5,electiv,0,", "kind", "one of elective, urgent", "'electiv'"),
        ("60543,2024-03-01,12,0.5,elective,-6,", "change_n", "a count not below -5", "-6"),
        ("60543,2024-03-01,12,0.5,elective,0,maybe", "paid", "true or false", "'maybe'"),
        (",2024-03-01,12,0.5,elective,0,", "zip (ZIP_CD)", "text", "an empty cell"),
    ],
)
def test_a_breach_names_file_row_column_expectation_and_value(project, row, column, expected, found):
    write(project, [*ROWS, row])
    told = problem(project)
    assert (told.table, told.file, told.row, told.column) == ("stays", "data/stays.csv", 5, column)
    assert (told.expected, told.found) == (expected, found)


def test_a_misspelled_category_is_told_with_the_nearest(project):
    write(project, [*ROWS, "60543,2024-03-01,12,0.5,electiv,0,"])
    assert problem(project).hint == "did you mean elective?"


def test_a_duplicate_key_names_the_second_row_and_the_key(project):
    write(project, [*ROWS, ROWS[0]])
    told = problem(project)
    assert (told.row, told.expected, told.found) == (
        5,
        "one row per zip, day",
        "another row for zip 60543, day 2024-01-31".replace("60543", "'60543'"),
    )


def test_a_duplicate_is_found_even_when_the_key_is_not_asked_for(project):
    write(project, [*ROWS, ROWS[0]])
    with pytest.raises(data.DataError, match="one row per zip, day"):
        data.Tables(SETTINGS, root=project).read("stays", ["share"])


def test_all_problems_of_a_table_come_with_the_first_one_and_count_their_rows(project):
    write(project, [*ROWS, "60543,2024-03-01,-1,2,elective,0,", "60543,2024-03-02,-1,2,elective,0,"])
    with pytest.raises(data.DataError) as caught:
        data.Tables(SETTINGS, root=project).read("stays")
    assert {(found.column, found.row, found.count) for found in caught.value.problems} == {("cases_n (CASES)", 5, 2), ("share", 5, 2)}
    assert "1 more problem in this table" in str(caught.value)


def test_a_slice_is_judged_by_its_own_rows(project):
    write(project, [*ROWS, "60544,2024-03-01,-1,0.5,elective,0,"])
    assert len(data.Tables(SETTINGS, root=project).read("stays", zip="60543")) == 2
    assert problem(project, zip="60544").found == "-1"


@pytest.mark.parametrize(
    ("header", "expected", "found", "hint"),
    [
        (HEADER.replace("CASES", "CASE"), "a column 'CASES'", "no such column", "did you mean CASE?"),
        (HEADER.replace("share", "CASES"), "a column 'CASES'", "2 columns of that name", ""),
    ],
)
def test_a_missing_or_doubled_column_names_the_nearest_header(project, header, expected, found, hint):
    write(project, ROWS, header)
    told = problem(project)
    assert (told.expected, told.found) == (expected, found)
    assert told.hint == hint or not hint


@pytest.mark.parametrize(
    ("name", "column", "low", "high"),
    [
        ("cases_n", Column(type="integer", meaning="cases"), 0, None),
        ("share", Column(type="number", meaning="share"), 0, 1),
        ("share", Column(type="number", share=False, meaning="any"), None, None),
        ("rate_100k", Column(type="number", max="5", meaning="rate"), None, 5),
        ("x", Column(type="number", share=True, meaning="part"), 0, 1),
        ("net_n", Column(type="integer", min="-9", meaning="net"), -9, None),
    ],
)
def test_bounds_follow_the_name_unless_the_entry_says_otherwise(name, column, low, high):
    assert contracts.bounds(name, column) == (low, high)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters='"\0'), max_size=12))
def test_any_cell_is_read_right_or_refused(tmp_path_factory, cell):
    """The count column of a one-row file holds anything: a number it may be, a mark, or a message; never a wrong number."""
    project = tmp_path_factory.mktemp("cell")
    (project / "data").mkdir()
    (project / "data/catalog.yml").write_text(
        "tables:\n  t:\n    title: T\n    path: t.csv\n    producer: T\n    edition: 2024\n    columns:\n"
        "      a_n: {type: integer, suppressed: ['*'], meaning: count}\n      b: {type: text, meaning: other}\n"
    )
    (project / "data/t.csv").write_text(f'a_n,b\n"{cell}",x\n', encoding="utf-8", newline="")
    try:
        frame = data.Tables(SETTINGS, root=project).read("t")
    except data.DataError as error:
        assert error.problem.file == "data/t.csv"
        assert not cell.strip(" ").isascii() or not cell.strip(" ").isdigit() or len(cell.strip()) > 18
    else:
        assert len(frame) == 1
        assert frame["a_n_suppressed"].item() == (cell.strip(" ") == "*")
        if not frame["a_n_suppressed"].item():
            assert frame["a_n"].item() == float(cell)


RULED = """tables:
  kinds:
    title: Kinds
    path: kinds.csv
    producer: Test
    edition: 2024
    key: [kpi]
    columns:
      kpi: {type: text, meaning: indicator}
      chart: {type: category, values: [xmr, p, u], meaning: chart}
  months:
    title: Months
    path: months.csv
    producer: Test
    edition: 2024
    key: [kpi, month]
    rules:
      - {column: numerator, at_most: denominator, when: {kinds.chart: p}}
      - {column: numerator, at_most: 1, when: {kinds.chart: xmr}}
      - {column: numerator, none_without: denominator, when: {kinds.chart: u}}
      - {column: price, known_with: numerator}
    columns:
      kpi: {type: text, references: kinds.kpi, meaning: indicator}
      month: {type: date, meaning: first day of the month}
      numerator: {type: number, nullable: true, meaning: count}
      denominator: {type: number, nullable: true, meaning: out of}
      price: {type: number, nullable: true, meaning: price}
"""


@pytest.mark.parametrize(
    ("row", "expected", "found"),
    [
        ("denials,2024-03-01,153,150,1", "no more than denominator", "153 of 150 (kpi 'denials', month 2024-03-01)"),
        ("vacancy,2024-03-01,9.1,,1", "no more than 1", "9.1 (kpi 'vacancy', month 2024-03-01)"),
        ("complaints,2024-03-01,2,0,1", "0 where there is no denominator", "2 of 0 (kpi 'complaints', month 2024-03-01)"),
        ("denials,2024-03-01,1,2,", "a value, as numerator has one", "nothing (kpi 'denials', month 2024-03-01)"),
        ("denials,2024-03-01,0,0,1", None, None),
        ("denials,2024-03-01,3,,1", None, None),
        ("complaints,2024-03-01,9,4,1", None, None),
        ("vacancy,2024-03-01,0.091,,1", None, None),
        ("vacancy,2024-03-01,,,", None, None),
    ],
)
def test_rules_between_columns_are_found_with_row_and_key(tmp_path, row, expected, found):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text(RULED)
    (tmp_path / "data/kinds.csv").write_text("kpi,chart\ndenials,p\nvacancy,xmr\ncomplaints,u\n")
    (tmp_path / "data/months.csv").write_text(f"kpi,month,numerator,denominator,price\ndenials,2024-02-01,5,150,1\n{row}\n")
    problems = data.check([SETTINGS], root=tmp_path)
    if expected is None:
        assert problems == []
        return
    assert [(each.expected, each.found, each.row, each.file, each.severity) for each in problems] == [
        (expected, found, 3, "data/months.csv", "error")
    ]
    with pytest.raises(data.DataError, match=re.escape(found)):
        data.Tables(SETTINGS, root=tmp_path).read("months")


def test_a_rule_says_one_thing_of_columns_that_exist(tmp_path):
    for wrong, message in (
        ("{column: numerator}", "expected one of"),
        ("{column: numerator, at_most: total}", "a column 'total' that is not listed"),
    ):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data/catalog.yml").write_text(RULED.replace("{column: price, known_with: numerator}", wrong))
        with pytest.raises(params.ParamsError, match=message):
            catalog.tables(tmp_path)
