"""One partner for a process: DuckDB is locked to the partner's files, a confined process cannot open another's."""

import multiprocessing
import shutil
from pathlib import Path

import duckdb
import pytest

from catchment import data, params

ROOT = Path(__file__).parents[2]
CATALOG = """tables:
  gifts:
    title: Gifts
    path: gifts_{partner}.csv
    producer: Test
    edition: 2024
    scope: partner
    key: [gift]
    columns:
      partner: {type: text, meaning: partner id}
      gift: {type: text, meaning: gift id}
  zips:
    title: ZIPs
    path: zips.csv
    producer: Test
    edition: 2024
    key: [zip]
    columns:
      zip: {type: text, meaning: ZIP code}
"""


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text(CATALOG)
    (tmp_path / "data/zips.csv").write_text("zip\n46304\n")
    for partner in params.partners(root=tmp_path):
        (tmp_path / f"data/gifts_{partner}.csv").write_text(f"partner,gift\n{partner},CANARY-{partner}\n")
    return tmp_path


@pytest.mark.parametrize(
    "file", ["gifts_tallgrass.csv", "../params/partners/tallgrass.yml", "../data/gifts_tallgrass.csv", "gifts_*.csv", "/etc/passwd"]
)
def test_duckdb_opens_nothing_but_the_partners_files(project, file):
    tables = data.Tables(params.load("dunes", root=project))
    assert tables.read("gifts")["gift"].tolist() == ["CANARY-dunes"]
    path = file if file.startswith("/") else f"{tables.folder}/{file}"
    with pytest.raises((duckdb.PermissionException, duckdb.IOException)):
        tables.connection.raw_sql(f"SELECT * FROM read_text('{path}')").fetchall()
    with pytest.raises(duckdb.Error):
        tables.connection.raw_sql("SET enable_external_access = true")


def test_a_file_that_comes_later_is_read_too(project):
    tables = data.Tables(params.load("dunes", root=project))
    (project / "data/zips.csv").unlink()
    tables.read("gifts")
    (project / "data/zips.csv").write_text("zip\n46304\n46305\n")
    assert len(tables.read("zips")) == 2


def _attempts(project, answers):
    settings = params.load("dunes", root=project)
    other = params.load("tallgrass", root=project)
    data.confine(settings)
    told = []
    for attempt in (
        lambda: data.Tables(other),
        lambda: data.confine(other),
        lambda: (project / "data/gifts_tallgrass.csv").read_text(),
        lambda: (project / "data/../data/gifts_tallgrass.csv").open("rb"),
        lambda: params.load("tallgrass", root=project),
        lambda: data.reread({"table": "gifts", "kind": "read", "columns": None, "filters": {}, "digest": ""}, other),
    ):
        try:
            attempt()
            told.append("done")
        except PermissionError as error:
            told.append(str(error))
    data.confine(settings)
    told.append(data.Tables(settings).read("gifts")["gift"].tolist())
    told.append(data.Tables(settings).read("zips")["zip"].tolist())
    answers.put(told)


def test_a_confined_process_reads_one_partner_only(project):
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_attempts, args=(project, answers))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    *refused, gifts, zips = answers.get()
    assert all("another partner" in told or "of dunes only" in told for told in refused), refused
    assert (gifts, zips) == (["CANARY-dunes"], ["46304"])
    assert data.Tables(params.load("tallgrass", root=project)).read("gifts")["gift"].tolist() == ["CANARY-tallgrass"], (
        "the parent is not confined"
    )
