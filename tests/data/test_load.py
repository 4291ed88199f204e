"""Reading: scope, filters, columns, files, origin, forks, the journal."""

import gzip
import hashlib
import multiprocessing
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, params
from catchment.data import catalog, origin, reads

ROOT = Path(__file__).parents[2]
CATALOG = """tables:
  flows:
    title: Stays by hospital and ZIP
    path: flows/flows_*.csv.gz
    year_from: 'flows_(\\d{4})'
    producer: Test
    edition: 2022-2023
    suppress_below: 11
    key: [year, ccn, zip]
    period: year
    columns:
      ccn: {from: MEDICARE_PROV_NUM, type: text, meaning: CMS certification number}
      zip: {from: ZIP_CD, type: text, meaning: ZIP code}
      cases_n: {from: TOTAL_CASES, type: integer, suppressed: ['*'], meaning: stays}
  gifts:
    title: Gifts
    path: gifts_{partner}.csv
    producer: Test
    edition: 2024
    simulated: true
    optional: true
    scope: partner
    key: [gift]
    period: day
    columns:
      partner: {type: text, meaning: partner id}
      gift: {type: text, meaning: gift id}
      day: {type: date, meaning: day of the gift}
      amount_usd: {type: number, meaning: amount}
  mixed:
    title: One file with rows of every partner
    path: mixed.csv
    producer: Test
    edition: 2024
    scope: partner
    key: [partner, month]
    columns:
      partner: {type: text, meaning: partner id}
      month: {type: integer, meaning: month}
  counts:
    title: County counts
    path: counts.parquet
    producer: Test
    edition: 2024
    scope: region
    key: [county_fips]
    columns:
      county_fips: {type: text, meaning: county}
      cases_n: {type: integer, suppressed: ['*'], meaning: cases}
  pairs:
    title: Pairs without header
    path: pairs.csv
    header: false
    producer: Test
    edition: 2024
    columns:
      npi_from: {type: text, meaning: first clinician}
      npi_to: {type: text, meaning: second clinician}
      shared_n: {type: integer, meaning: shared patients}
  areas:
    title: Areas
    path: areas.geojson
    producer: Test
    edition: 2024
    key: [county_fips]
    columns:
      county_fips: {from: GEOID, type: text, meaning: county}
"""
DUNES, TALLGRASS = params.load("dunes", root=ROOT), params.load("tallgrass", root=ROOT)
SQUARE = '{"type": "Polygon", "coordinates": [[[-88, 41], [-87, 41], [-87, 42], [-88, 42], [-88, 41]]]}'


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "data"
    (folder / "flows").mkdir(parents=True)
    (folder / "catalog.yml").write_text(CATALOG)
    for year, count in ((2022, "20"), (2023, "*")):
        with gzip.open(folder / f"flows/flows_{year}.csv.gz", "wt") as stream:
            stream.write(f"MEDICARE_PROV_NUM,ZIP_CD,TOTAL_CASES\n14X901,01001,{count}\n14X902,60543,30\n")
    (folder / "gifts_dunes.csv").write_text(
        "\ufeffpartner,gift,day,amount_usd\ndunes,G1,2024-01-31,100\ndunes,G2,2024-06-30,50.5\n", encoding="utf-8"
    )
    (folder / "mixed.csv").write_text("partner,month\ndunes,1\ntallgrass,1\ntallgrass,2\n")
    counts = pd.DataFrame({"county_fips": ["18127", "99999"], "cases_n": [None, 7.0], "cases_n_suppressed": [True, False]})
    counts.astype({"cases_n": "Int64"}).to_parquet(folder / "counts.parquet")
    (folder / "pairs.csv").write_text(" 1000000000,1000000001,12\n1000000001,1000000002,15\n")
    shapes = ", ".join(f'{{"type": "Feature", "properties": {{"GEOID": "{fips}"}}, "geometry": {SQUARE}}}' for fips in ("18127", "17031"))
    (folder / "areas.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{shapes}]}}')
    return tmp_path


@pytest.fixture
def tables(project):
    return data.Tables(DUNES, root=project)


def test_files_of_several_years_are_one_table(tables):
    frame = tables.read("flows")
    assert frame[["year", "zip", "cases_n"]].fillna(-1).values.tolist() == [
        [2022, "01001", 20],
        [2022, "60543", 30],
        [2023, "01001", -1],
        [2023, "60543", 30],
    ]
    assert frame.attrs["table"] == "flows"


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({"year": 2023}, 2),
        ({"year": [2022, 2023], "zip": "01001"}, 2),
        ({"year": data.between(2023, None)}, 2),
        ({"cases_n": data.between(None, 20)}, 1),
        ({"zip": ["60543", "99999"]}, 2),
        ({"ccn": {"14X901"}}, 2),
        ({"zip": pd.Series(["01001"])}, 2),
    ],
)
def test_filters_choose_rows(tables, filters, rows):
    assert len(tables.read("flows", **filters)) == rows


def test_filters_reach_the_files(tables):
    """A question about one year opens one file: the other may be broken."""
    broken = tables.folder / "flows/flows_2022.csv.gz"
    whole = broken.read_bytes()
    tables.read("flows")
    broken.write_bytes(whole[:30])
    assert len(tables.read("flows", year=2023)) == 2


def test_a_truncated_gzip_file_is_no_shorter_table(tables):
    path = tables.folder / "flows/flows_2022.csv.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(data.DataError) as caught:
        tables.read("flows")
    assert caught.value.problem.file == "data/flows/flows_2022.csv.gz"
    assert caught.value.problem.expected == "a complete gzip file"


def test_columns_come_in_the_order_asked_for_with_their_suppression(tables):
    assert list(tables.read("flows", ["cases_n", "year"]).columns) == ["cases_n", "cases_n_suppressed", "year"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: t.read("flow"), r"did you mean flows\?"),
        (lambda t: t.read("flows", ["case_n"]), r"expected a cataloged column, found 'case_n' \(did you mean cases_n\?\)"),
        (lambda t: t.read("flows", yaer=2023), r"did you mean year\?"),
        (lambda t: t.read("flows", zip=1001), "expected a filter value of type text, found 1001"),
        (lambda t: t.read("flows", year="2023"), "expected a filter value of type integer, found '2023'"),
        (lambda t: t.read("flows", zip="99999"), r"expected at least one row, found none \(filters: zip 99999\)"),
        (lambda t: t.geometry("areas", county_fips=18127), "expected a filter value of type text, found 18127"),
        (lambda t: t.geometry("areas", county_fips="00000"), "expected at least one shape, found none"),
    ],
)
def test_a_wrong_question_is_told_in_words(tables, call, said):
    with pytest.raises(data.DataError, match=said):
        call(tables)


def test_a_missing_file_names_the_one_that_is_nearest(tables):
    (tables.folder / "pairs.csv").rename(tables.folder / "pears.csv")
    with pytest.raises(data.DataError, match=r"data/pairs.csv: expected a file, found none \(did you mean pears.csv\?\)"):
        tables.read("pairs")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"partner,month\ndunes,1,extra\n", "row 2"),
        (b"", "no such column"),
        (b"partner,month\nd\xfcnes,1\n", "UTF-8|utf-8"),
        (b'partner,month\n"dunes,1\n', "data/mixed.csv, row 2: expected a well-formed file, found .*quote"),
        (b"partner;month\ndunes;1\n", "no such column .columns must be separated by commas."),
    ],
)
def test_a_malformed_file_is_a_data_error(tables, content, said):
    (tables.folder / "mixed.csv").write_bytes(content)
    with pytest.raises(data.DataError, match=said):
        tables.read("mixed")


@pytest.mark.parametrize("content", [b"", b"broken", b"PAR1xxxxxxxxxxxxxxxxxxxPAR1"])
def test_a_file_that_is_no_parquet_is_a_data_error(tables, content):
    (tables.folder / "counts.parquet").write_bytes(content)
    with pytest.raises(data.DataError, match=r"data/counts\.parquet: expected a readable Parquet file, found Parquet"):
        tables.read("counts")


def test_a_malformed_file_is_named_though_its_folder_is_named_too(tables, project):
    """A message that names the file names the folders above it as well."""
    with gzip.open(project / "data/flows/flows_2022.csv.gz", "wt") as stream:
        stream.write("MEDICARE_PROV_NUM,ZIP_CD,TOTAL_CASES\n14X901,01001,20,5\n")
    with pytest.raises(data.DataError, match=r"data/flows/flows_2022\.csv\.gz, row 2"):
        tables.read("flows")


def test_a_private_table_is_cut_to_the_partner_whatever_is_asked(tables, project):
    assert tables.read("mixed")["partner"].tolist() == ["dunes"]
    assert tables.read("mixed", partner="tallgrass")["partner"].tolist() == ["dunes"]
    assert data.Tables(TALLGRASS, root=project).read("mixed")["month"].tolist() == [1, 2]


def test_a_partner_never_opens_the_private_file_of_another(tables):
    (tables.folder / "gifts_tallgrass.csv").write_text("not even a table\n")
    assert tables.read("gifts")["amount_usd"].sum() == 150.5


def test_a_partner_may_have_none_of_an_optional_table(project):
    tables = data.Tables(TALLGRASS, root=project)
    assert not tables.has("gifts")
    frame = tables.read("gifts", allow_empty=True)
    assert frame.empty
    assert frame["amount_usd"].dtype == "float64"
    with pytest.raises(data.DataError, match="at least one row"):
        tables.read("gifts")


def test_a_regional_table_is_cut_to_the_region_unless_counties_are_named(tables):
    assert tables.read("counts")["county_fips"].tolist() == ["18127"]
    assert tables.read("counts", county_fips="99999")["cases_n"].tolist() == [7]


def test_suppression_in_parquet_comes_from_its_flag(tables):
    frame = tables.read("counts")
    assert frame["cases_n"].isna().all()
    assert frame["cases_n_suppressed"].tolist() == [True]


def test_a_type_that_does_not_fit_in_parquet_is_refused(tables):
    pd.DataFrame({"county_fips": [18127], "cases_n": [1]}).to_parquet(tables.folder / "counts.parquet")
    with pytest.raises(data.DataError, match="expected values of type text, found values stored as int64"):
        tables.read("counts")


def test_a_file_without_header_is_read_in_the_listed_order(tables):
    frame = tables.read("pairs")
    assert frame.values.tolist() == [["1000000000", "1000000001", 12], ["1000000001", "1000000002", 15]]


def test_a_byte_order_mark_and_a_date_range_are_understood(tables):
    frame = tables.read("gifts", day=data.between(date(2024, 2, 1), date(2024, 12, 31)))
    assert frame["gift"].tolist() == ["G2"]


def test_shapes_come_with_their_cataloged_columns_only(tables):
    shapes = tables.geometry("areas", county_fips=["18127"])
    assert list(shapes.columns) == ["county_fips", "geometry"]
    assert shapes.crs.to_epsg() == 4326
    assert shapes.geometry.iloc[0].area == 1.0
    assert tables.read("areas")["county_fips"].tolist() == ["18127", "17031"]


def test_shapes_of_several_files_are_one_table(tables):
    folder = tables.folder
    (folder / "areas_2.geojson").write_text((folder / "areas.geojson").read_text().replace("18127", "18089").replace("17031", "55059"))
    catalog = folder / "catalog.yml"
    catalog.write_text(catalog.read_text().replace("path: areas.geojson", "path: areas*.geojson"))
    assert sorted(tables.geometry("areas")["county_fips"]) == ["17031", "18089", "18127", "55059"]
    assert len(tables.read("areas", county_fips=["18089", "17031"])) == 2
    (folder / "areas_2.geojson").write_text((folder / "areas.geojson").read_text())
    with pytest.raises(data.DataError, match=r"areas_2\.geojson, row 1: expected one row per county_fips"):
        tables.geometry("areas")


@pytest.mark.parametrize("content", ["{}", "not json", '{"type": "FeatureCollection", "features": []}'])
def test_a_file_without_shapes_is_told(tables, content):
    (tables.folder / "areas.geojson").write_text(content)
    with pytest.raises(data.DataError, match=r"data/areas\.geojson"):
        tables.geometry("areas")


def test_what_was_read_is_remembered_with_its_origin(tables):
    tables.has("mixed")
    assert tables.used == []
    tables.read("gifts")
    tables.read("flows", year=2023)
    tables.read("flows", year=2022)
    assert [known.table for known in tables.used] == ["gifts", "flows"]
    assert tables.source("flows", "gifts") == "Stays by hospital and ZIP, 2022-2023; Gifts, 2024 (simulated)"
    assert tables.origin("flows").suppress_below == 11


def test_the_fingerprint_follows_the_bytes(tables):
    before = tables.origin("pairs").sha8
    path = tables.folder / "pairs.csv"
    assert before == origin.fingerprint([path])[:8]
    path.write_text(path.read_text() + "1,2,3\n")
    assert tables.origin("pairs").sha8 != before


def test_an_exhibits_origin_is_that_of_the_rows_it_shows(tables):
    path = tables.folder / "pairs.csv"
    tables.read("pairs")
    read = origin.fingerprint([path])[:8]
    path.write_text(path.read_text() + "1,2,3\n")
    assert tables.origin("pairs").sha8 == read, "the rows shown are those from before"
    tables.read("pairs")
    assert tables.origin("pairs").sha8 == origin.fingerprint([path])[:8] != read


def test_the_journal_tells_which_tables_and_files_were_asked_for(tables):
    reads.journal.clear()
    tables.read("gifts", day=data.between(date(2024, 1, 1), None))
    tables.geometry("areas")
    tables.has("mixed")
    with pytest.raises(data.DataError):
        tables.read("nothing")
    noted = data.journal.plain()
    reads.journal.clear()
    assert sorted(noted["entries"]) == ["areas", "gifts", "mixed", "nothing"]
    assert noted["entries"]["gifts"] == catalog.entry_digest("gifts", tables.root, "dunes") and noted["entries"]["nothing"] is None
    assert noted["patterns"]["gifts"] == "data/gifts_dunes.csv"
    assert (noted["files"], noted["questions"]) == ({}, []), "by hand nothing is hashed"


def _twice(tables, folder, answers):
    """Read a table, change its file in place, read it again."""
    reads.pin(folder / "read")
    path = tables.folder / "gifts_dunes.csv"
    first, before = len(tables.read("gifts")), path.read_bytes()
    path.write_text(path.read_text() + "dunes,G9,2024-12-31,1\n")
    (tables.folder / "gifts_other.csv").write_text("nobody asked")
    second = len(data.Tables(tables.settings, root=tables.root).read("gifts"))
    answers.put((first, second, reads.journal.plain()["files"], hashlib.sha256(before).hexdigest(), tables.origin("gifts").sha8))


def test_a_page_never_reads_two_states_of_a_file_and_knows_which_it_read(tables, tmp_path):
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_twice, args=(tables, tmp_path, answers))
    child.start()
    first, second, files, sha256, sha8 = answers.get()
    child.join()
    assert first == second and files == {"data/gifts_dunes.csv": sha256} and sha256.startswith(sha8)
    assert len(tables.read("gifts")) == first + 1, "another process reads what there is now"


def test_a_file_that_never_stands_still_is_refused(tables, tmp_path, monkeypatch):
    times = iter(range(100))
    monkeypatch.setattr(reads, "_state", lambda file: next(times))
    with pytest.raises(data.DataError, match=r"data/gifts_dunes.csv: expected a file that stands still"):
        reads._copied(tables.folder / "gifts_dunes.csv", tmp_path / "copy", "data/gifts_dunes.csv", "gifts")


def _in_child(tables, queue):
    queue.put((tables.read("pairs")["shared_n"].sum(), len(tables.read("flows"))))


def test_a_forked_process_reads_through_a_connection_of_its_own(tables):
    tables.read("pairs")
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(tables, queue))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert queue.get() == (27, 4)


def test_check_reports_every_problem_of_every_partner_worst_first(project):
    (project / "data/mixed.csv").write_text("partner,month\ndunes,x\ntallgrass,1\ntallgrass,1\n")
    (project / "data/pairs.csv").unlink()
    (project / "data/gifts_dunes.csv").write_text("partner,gift,day,amount_usd\ndunes,G1,2001-01-31,100\n")
    settings = [params.load(partner, root=ROOT) for partner in ("dunes", "tallgrass")]
    found = data.check(settings, root=project)
    assert [(problem.table, problem.severity) for problem in found] == [
        ("pairs", "error"),
        ("mixed", "error"),
        ("mixed", "error"),
        ("gifts", "warning"),
    ]
    assert {problem.row for problem in found if problem.table == "mixed"} == {2, 4}
    assert "2001-01-31" in found[-1].found


def test_every_table_of_the_repository_passes_its_contract():
    settings = [params.load(partner, root=ROOT) for partner in params.partners(root=ROOT)]
    assert [str(problem) for problem in data.check(settings) if problem.severity == "error"] == []


def test_importing_the_catalog_loads_no_data_library():
    import subprocess
    import sys

    code = "import sys; import catchment.params, catchment.data; from catchment.data import catalog; print([m for m in ('pandas', 'duckdb', 'ibis') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_copied_project_reads_its_own_files(project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(project / "data", elsewhere / "data")
    (elsewhere / "data/pairs.csv").write_text("1,2,99\n")
    assert data.Tables(DUNES, root=elsewhere).read("pairs")["shared_n"].tolist() == [99]
