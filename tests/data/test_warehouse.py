"""Tables in a real PostgreSQL: types, push-down seen in the server's log, read only, limits, lost connections, secrets."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from catchment import data, params
from catchment.data import warehouse
from catchment.params import ParamsError

psycopg = pytest.importorskip("psycopg", reason="psycopg, the PostgreSQL driver, is not installed")

ROOT = Path(__file__).parents[2]
SETTINGS = params.load("dunes", root=ROOT)
SECRET = "s3cr3t-Pa55"
CATALOG = """tables:
  gifts:
    title: Gifts
    uri: postgres://127.0.0.1:{port}/warehouse
    table: marts.gift
    producer: Test
    edition: 2024
    scope: partner
    key: [partner, gift]
    period: day
    columns:
      partner: {{type: text, meaning: partner id}}
      gift: {{from: gift_id, type: text, meaning: gift id}}
      day: {{type: date, meaning: day of the gift}}
      amount_usd: {{type: number, meaning: amount}}
      donors_n: {{type: integer, suppressed: ['*'], meaning: donors}}
      paid: {{type: boolean, nullable: true, meaning: whether paid}}
  counties:
    title: Counties
    uri: postgres://127.0.0.1:{port}/warehouse?schema=marts
    producer: Test
    edition: 2024
    scope: region
    key: [county_fips]
    columns:
      county_fips: {{type: text, meaning: county}}
      cases_n: {{type: integer, meaning: cases}}
"""
TABLES = """
CREATE SCHEMA marts;
CREATE TABLE marts.gift (partner text, gift_id varchar(10), day date, amount_usd numeric(12,2), donors_n integer, donors_n_suppressed boolean, paid boolean, donor_name text);
INSERT INTO marts.gift VALUES ('dunes', 'G2', '2024-06-30', 50.50, NULL, true, NULL, 'CANARY-dunes'), ('dunes', 'G1', '2024-01-31', 100, 12, false, true, 'CANARY-dunes'),
    ('tallgrass', 'G3', '2024-02-01', 7, 20, false, true, 'CANARY-tallgrass');
CREATE TABLE marts.counties AS SELECT * FROM (VALUES ('18127', 40::bigint), ('99999', 50), ('17031', 60)) AS t(county_fips, cases_n);
CREATE ROLE reader LOGIN PASSWORD '%s';
GRANT USAGE ON SCHEMA marts TO reader;
GRANT ALL ON ALL TABLES IN SCHEMA marts TO reader;
"""


def _programs():
    found = [path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (path / "initdb").exists()]
    return found[0] if found else None


class Server:
    """A PostgreSQL of our own in a temporary folder; as root it runs under the account that Debian's package made."""

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.account = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.log = folder / "log"

    def run(self, program, *options):
        subprocess.run(
            [*self.account, str(self.programs / program), *options], check=True, capture_output=True, timeout=60, cwd=self.folder
        )

    def start(self):
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c log_statement=all -c log_line_prefix=%a: -c fsync=off -c password_encryption=scram-sha-256"
        self.run("pg_ctl", "-D", str(self.folder / "db"), "-l", str(self.log), "-o", settings, "-w", "start")

    def stop(self):
        self.run("pg_ctl", "-D", str(self.folder / "db"), "-m", "immediate", "-w", "stop")

    def said(self):
        return self.log.read_text()

    def owner(self):
        return psycopg.connect(host="127.0.0.1", port=self.port, user="owner", password=SECRET, dbname="warehouse", autocommit=True)


@pytest.fixture(scope="module")
def server():
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="catchment-pg-"))
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    running = Server(folder, programs)
    word = folder / "word"
    word.write_text(SECRET)
    word.chmod(0o644)
    running.run("initdb", "-D", str(folder / "db"), "-U", "owner", "-A", "scram-sha-256", f"--pwfile={word}", "--no-sync", "-E", "UTF8")
    running.start()
    try:
        with psycopg.connect(host="127.0.0.1", port=running.port, user="owner", password=SECRET, dbname="postgres", autocommit=True) as con:
            con.execute("CREATE DATABASE warehouse")
        with running.owner() as con:
            con.execute(TABLES % SECRET)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


@pytest.fixture
def tables(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CATCHMENT_DB_USER", "reader")
    monkeypatch.setenv("CATCHMENT_DB_PASSWORD", SECRET)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text(CATALOG.format(port=server.port))
    return data.Tables(SETTINGS, root=tmp_path)


def test_rows_come_typed_in_the_order_of_the_key_with_their_suppression(tables):
    frame = tables.read("gifts")
    assert frame["gift"].tolist() == ["G1", "G2"]
    assert frame["amount_usd"].tolist() == [100.0, 50.5]
    assert frame["day"].tolist() == [pd.Timestamp("2024-01-31"), pd.Timestamp("2024-06-30")]
    assert frame["donors_n"].fillna(-1).tolist() == [12, -1]
    assert frame["donors_n_suppressed"].tolist() == [False, True]
    assert frame["paid"].isna().tolist() == [False, True]
    assert (tables.used[0].table, tables.used[0].sha8) == ("gifts", "")


def test_the_partners_filter_and_the_columns_reach_the_server(tables, server):
    before = len(server.said())
    tables.read("gifts", ["amount_usd"], day=data.between(pd.Timestamp("2024-02-01"), None))
    asked = [
        line
        for line in server.said()[before:].splitlines()
        if (line.startswith("catchment:") and "amount_usd" in line) or '"gift_id"' in line
    ]
    log = server.said()[before:]
    assert "'dunes'" in log and "2024-02-01" in log.replace("MAKE_TIMESTAMP(2024, 2, 1", "2024-02-01")
    assert asked
    assert "donor_name" not in log.split("WHERE")[-1]
    assert "'tallgrass'" not in log


def test_a_regional_table_is_asked_for_the_region_only(tables, server):
    before = len(server.said())
    assert tables.read("counties")["county_fips"].tolist() == ["17031", "18127"]
    assert "'18127'" in server.said()[before:]


def test_whether_there_are_rows_is_asked_of_the_server(tables):
    assert tables.has("gifts", gift="G1")
    assert not tables.has("gifts", gift="G3"), "another partner's gift"


def test_nothing_can_be_written(tables, server):
    with (
        warehouse.connected(f"postgres://127.0.0.1:{server.port}/warehouse") as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.raw_sql("DELETE FROM marts.gift")
    with server.owner() as con:
        assert con.execute("SELECT count(*) FROM marts.gift").fetchone() == (3,)


def test_a_connection_lost_while_asking_is_opened_anew_once(tables, server):
    asked = []

    def question(lazy):
        asked.append(lazy)
        if len(asked) == 1:
            with server.owner() as con:
                con.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'catchment'")
        return len(lazy.to_pyarrow())

    entry = data.catalog.table(tables.root, "counties")
    assert warehouse.ask("counties", entry, question) == 3
    assert len(asked) == 2


def test_no_connection_stays_open(tables, server):
    tables.read("counties")
    with server.owner() as con:
        assert con.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'catchment'").fetchone() == (0,)


def test_a_server_that_is_gone_is_told_without_a_secret_and_found_again(tables, server):
    tables.read("counties")
    server.stop()
    try:
        with pytest.raises(data.DataError) as caught:
            tables.read("counties")
    finally:
        server.start()
    assert "expected a database that answers" in str(caught.value)
    assert "postgres://127.0.0.1/warehouse table counties" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert len(tables.read("counties")) == 2


def test_an_answer_that_takes_too_long_is_told_and_not_asked_for_again(tables, server, monkeypatch):
    monkeypatch.setattr(warehouse, "ANSWER_S", 0.2)
    with server.owner() as con:
        con.execute("CREATE VIEW marts.slow AS SELECT '18127'::text AS county_fips, 1::bigint AS cases_n FROM pg_sleep(30)")
        con.execute("GRANT SELECT ON marts.slow TO reader")
    path = tables.root / "data/catalog.yml"
    path.write_text(path.read_text().replace("  counties:\n", "  slow:\n"))
    before = server.said().count("statement timeout")
    with pytest.raises(data.DataError, match=r"expected an answer within 0\.2 s, found canceling statement"):
        tables.read("slow")
    assert server.said().count("statement timeout") == before + 1


def test_a_table_that_may_not_be_read_is_told(tables, server):
    with server.owner() as con:
        con.execute("CREATE TABLE marts.payroll AS SELECT '18127'::text AS county_fips, 1::bigint AS cases_n")
    path = tables.root / "data/catalog.yml"
    path.write_text(path.read_text().replace("  counties:\n", "  payroll:\n"))
    with pytest.raises(data.DataError, match="expected a table that may be read, found permission denied for table payroll"):
        tables.read("payroll")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("marts.gift", "marts.gifts", r"expected a table of that name, found none \(did you mean gift\?\)"),
        ("amount_usd:", "amount_eur:", r"no such column \(did you mean amount_usd\?\)"),
        (
            "gift: {from: gift_id, type: text",
            "gift: {from: gift_id, type: number",
            "expected values of type number, found values stored as string",
        ),
    ],
)
def test_a_table_that_is_not_as_cataloged_is_told(tables, old, new, said):
    path = tables.root / "data/catalog.yml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(data.DataError, match=said):
        tables.read("gifts")


def test_a_wrong_password_is_told_without_it(tables, monkeypatch):
    monkeypatch.setenv("CATCHMENT_DB_PASSWORD", "wrong-" + SECRET)
    with pytest.raises(data.DataError) as caught:
        tables.read("counties")
    assert "password authentication failed" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_uri_with_a_password_is_refused_and_not_repeated(tables):
    path = tables.root / "data/catalog.yml"
    path.write_text(path.read_text().replace("postgres://127", f"postgres://reader:{SECRET}@127"))
    with pytest.raises(ParamsError) as caught:
        tables.read("counties")
    assert "without user or password" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_contract_holds_for_a_database_too(tables, server):
    with server.owner() as con:
        con.execute("INSERT INTO marts.gift VALUES ('dunes', 'G4', '2024-07-01', 5, -3, false, true, 'x')")
    try:
        with pytest.raises(data.DataError, match=r"column donors_n: expected a count not below 0, found -3"):
            tables.read("gifts")
    finally:
        with server.owner() as con:
            con.execute("DELETE FROM marts.gift WHERE gift_id = 'G4'")


def test_the_journal_of_a_database_table_can_be_asked_again(tables, server):
    data.journal.clear()
    tables.read("counties")
    (item,) = data.journal.questions
    settings = SETTINGS.model_copy()
    settings._root = tables.root
    assert data.journal.patterns == {"counties": None} and data.journal.files == {}
    assert data.reread(item, settings) == item["digest"]
    with server.owner() as con:
        con.execute("UPDATE marts.counties SET cases_n = cases_n + 1 WHERE county_fips = '18127'")
    assert data.reread(item, settings) != item["digest"]
    data.journal.clear()


def test_a_duckdb_file_is_another_uri(tables):
    import duckdb

    path = tables.root / "marts.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE counties AS SELECT '18127' AS county_fips, 3 AS cases_n UNION ALL SELECT '99999', 4")
    (tables.root / "data/catalog.yml").write_text(
        f"tables:\n  counties:\n    title: C\n    uri: duckdb://{path}\n    producer: T\n    edition: 2024\n    scope: region\n    key: [county_fips]\n    columns:\n"
        "      county_fips: {type: text, meaning: county}\n      cases_n: {type: integer, meaning: cases}\n"
    )
    assert tables.read("counties")["cases_n"].tolist() == [3]
