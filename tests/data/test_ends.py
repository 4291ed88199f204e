"""A table that is kept up to date and ends months before the page says so, on the page and in `check`; others end when they end."""

from datetime import date

import nbformat
import pandas as pd
import pytest

from catchment import data, params
from catchment.data import ends
from catchment.data.catalog import Current, Table
from catchment.page import Exhibit, Report, document

SETTINGS = params.load("dunes")  # its page's date is 2025-12-31
CATALOG = """tables:
  months:
    title: Indicators by month
    path: months_{partner}.csv
    producer: Test
    edition: 2025
    scope: partner
    key: [partner, month]
    period: month
    current: {months: 1, known: actual_n}
    columns:
      partner: {type: text, meaning: partner}
      month: {type: date, meaning: first day of the month}
      actual_n: {type: integer, nullable: true, meaning: count}
"""


def entry(**changes) -> Table:
    columns = {"day": {"type": "date", "meaning": "day"}, "year": {"type": "integer", "meaning": "year"},
               "quarter": {"type": "integer", "meaning": "quarter"}, "actual_n": {"type": "number", "meaning": "count"}}  # fmt: skip
    return Table(
        title="Ledger", path="x.csv", producer="A", edition="2025", period="day", columns=columns, current=Current(months=1)
    ).model_copy(update=changes)


@pytest.mark.parametrize(
    ("frame", "changes", "last", "said"),
    [
        ({"day": pd.to_datetime(["2025-05-03", "2025-01-09"])}, {}, "2025-05", "Ledger ends in May 2025, 7 months before this page's date"),
        ({"day": pd.to_datetime(["2025-11-03"])}, {}, "2025-11", ""),
        ({"day": pd.to_datetime(["2025-10-01"])}, {"current": Current(months=1, spans=3)}, "2025-12", ""),
        ({"year": [2025, 2024], "quarter": [2, 4]}, {"period": "year"}, "2025-06", "Ledger ends in June 2025, 6 months before this page's date"),
        ({"year": [2024]}, {"period": "year"}, "2024-12", "Ledger ends in December 2024, 12 months before this page's date"),
        ({"day": pd.to_datetime(["2026-06-01", "2025-08-01"]), "actual_n": [None, 3.0]}, {"current": Current(months=1, known="actual_n")}, "2025-08",
         "Ledger ends in August 2025, 4 months before this page's date"),
        ({"day": pd.to_datetime([])}, {}, None, ""),
        ({"day": pd.to_datetime(["2020-01-01"])}, {"current": None}, None, ""),
    ],
)  # fmt: skip
def test_the_last_month_and_what_is_said_of_it(frame, changes, last, said):
    table = entry(**changes)
    found = ends.last_month(pd.DataFrame(frame), table)
    assert found == (None if last is None else pd.Period(last, freq="M"))
    assert ends.behind(found, table, date(2025, 12, 31)) == said


def test_a_slice_of_one_year_says_nothing_of_the_table():
    assert ends.last_month(pd.DataFrame({"day": pd.to_datetime(["2024-05-03"])}), entry(), filters={"fiscal_year"}) is None


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text(CATALOG)
    (tmp_path / "data/months_dunes.csv").write_text("partner,month,actual_n\ndunes,2025-07-01,4\ndunes,2025-08-01,5\ndunes,2025-12-01,\n")
    return tmp_path


SAID = "Indicators by month ends in August 2025, 4 months before this page's date"


def test_a_ledger_that_ends_early_is_said_at_the_head_of_the_page(project):
    tables = data.Tables(SETTINGS, root=project)
    report = Report(SETTINGS, tables)
    shown = report.protect(tables.read("months"), sources=["months"])
    block = report.table(Exhibit("months", shown, "Indicators", sources=["months"]))
    assert tables.origin("months").behind == SAID
    cell = nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("display_data", data=block._repr_mimebundle_())])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"catchment": {"title": "T"}})
    page = document.html(notebook, document.Facts("T", "Dunes", "P", "2025-12-31", "2026-01-01T00:00:00Z", "1"))
    assert f"Data that end early: what is not in yet is missing, not zero. {SAID}." in page.replace("&#39;", "'").replace("&#x27;", "'")


def test_check_warns_of_it_before_anything_is_built(project):
    (problem,) = data.check([SETTINGS], root=project)
    assert (problem.severity, problem.table, problem.column) == ("warning", "months", "month")
    assert "ends in August 2025, 4 months before 2025-12-31" in problem.found
