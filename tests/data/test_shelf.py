"""Imported files on their shelf: overlaps are refused before anything changes, imports are listed and taken away again."""

import os
import signal
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
import test_importers as samples
from test_importers import command, project  # noqa: F401 - a fixture

from catchment import cli, data
from catchment.data import importing
from catchment.data.importing import shelf

HSAF, ROWS = samples.HSAF, samples.HSAF_ROWS
KIND = "hospital_service_area"
GIFTS = "gift_id,donor_id,gift_date,gift_type,amount_usd,program\n"


@pytest.fixture
def bring(project):  # noqa: F811
    """Write a file and import it."""

    def run(file, content, kind=KIND, **more):
        (project / file).write_text(content)
        return importing.run(kind, [project / file], root=project, **more)[0]

    return run


@pytest.fixture
def here(project, monkeypatch):  # noqa: F811
    """The project as the command finds it."""
    (project / "params/partners").mkdir(parents=True)
    (project / "params/portfolio.yml").write_text("")
    for partner in ("dunes", "tallgrass"):
        (project / f"params/partners/{partner}.yml").write_text("")
    monkeypatch.setenv("CATCHMENT_ROOT", str(project))
    return project


def on_disk(root):
    return {path.relative_to(root): path.read_bytes() for path in (root / "data").rglob("*") if path.is_file() and path.suffix != ".lock"}


def imported(root, name=KIND):
    return [item.file for item in data.catalog.imports(root)[name].imported]


def read(root, name=KIND):
    return data.Tables(samples.SETTINGS, root=root).read(name)


class TestOneAtATime:
    """A table's entry is read, added to and written anew: of two processes that do so at once, one would be forgotten."""

    def test_a_second_process_is_refused_with_who_is_at_work(self, here, bring, capsys):
        bring("HSAF_2020.csv", HSAF + ROWS)
        (here / "HSAF_2021.csv").write_text(HSAF + ROWS.replace("30\n", "31\n"))
        before = on_disk(here)
        others = importing.each(KIND, [here / "HSAF_2020.csv"], root=here)
        next(others)  # at work until it is closed
        for order in (["HSAF_2021.csv"], ["--remove", "HSAF_2020.csv"]):
            assert cli.main(["import", KIND, *[str(here / each) if each.endswith("2021.csv") else each for each in order]]) == 3
            told = capsys.readouterr().err
            assert f"an import of {KIND} is using the table {KIND}: process {os.getpid()} on " in told
        assert on_disk(here) == before
        assert importing.run("nppes", [], root=here) == []  # another table is free
        others.close()
        assert cli.main(["import", KIND, str(here / "HSAF_2021.csv")]) == 0
        assert imported(here) == ["HSAF_2020.csv", "HSAF_2021.csv"]

    def test_the_lock_of_a_killed_import_is_taken_over(self, here, bring):
        code = (
            "import os, signal, sys; from pathlib import Path; from catchment.data import importing as importers\n"
            f"root = Path({str(here)!r}); held = importers.each({KIND!r}, [root / 'HSAF_2020.csv'], root=root); next(held)\n"
            "os.kill(os.getpid(), signal.SIGKILL)"
        )
        (here / "HSAF_2020.csv").write_text(HSAF + ROWS)
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
        bring("HSAF_2021.csv", HSAF + ROWS.replace("30\n", "31\n"))
        assert imported(here) == ["HSAF_2020.csv", "HSAF_2021.csv"]


class TestOverlap:
    def test_rows_of_another_file_are_refused_and_nothing_changes(self, project, bring):  # noqa: F811
        bring("HSAF_2020.csv", HSAF + ROWS)
        before = on_disk(project)
        with pytest.raises(importing.ImportRefused) as caught:
            bring("HSAF_2020_again.csv", HSAF + ROWS.replace("30\n", "31\n") + "140009,60601,50,350000,20\n")
        assert str(caught.value) == (
            "HSAF_2020_again.csv: 3 of its 4 rows are in the table hospital_service_area already, from HSAF_2020.csv "
            "(kind hospital_service_area); the first: year 2020, ccn 140001, zip 60999. To replace that import, import this file under the "
            "name HSAF_2020.csv; to take it away: `catchment import hospital_service_area --remove HSAF_2020.csv`"
        )
        assert on_disk(project) == before
        assert sorted(path.name for path in (project / "data/imported" / KIND).iterdir()) == ["HSAF_2020.parquet"]

    def test_both_ways_out_lead_out(self, project, bring):  # noqa: F811
        bring("HSAF_2020.csv", HSAF + ROWS)
        bring("HSAF_2020.csv", HSAF + ROWS.replace("30\n", "31\n"))
        assert read(project)["cases_n"].sum() == 42
        importing.remove(KIND, "HSAF_2020.csv", root=project)
        bring("HSAF_2020_again.csv", HSAF + ROWS.replace("30\n", "32\n"))
        assert read(project)["cases_n"].sum() == 43
        assert imported(project) == ["HSAF_2020_again.csv"]

    def test_a_new_edition_may_not_bring_rows_of_a_third_file(self, project, bring):  # noqa: F811
        bring("a_2020.csv", HSAF + "140001,61520,120,350000,30\n")
        bring("b_2020.csv", HSAF + "140002,61520,120,350000,30\n")
        before = on_disk(project)
        with pytest.raises(importing.ImportRefused, match=r"1 of its 2 rows are in .* from b_2020\.csv"):
            bring("a_2020.csv", HSAF + "140001,61520,120,350000,30\n140002,61520,120,350000,30\n")
        assert on_disk(project) == before

    def test_a_missing_part_of_a_key_is_compared_like_any_other(self, project, bring):  # noqa: F811
        bring("a_2020.csv", HSAF + "140001,*,120,350000,30\n140003,99999,120,350000,30\n")
        with pytest.raises(importing.ImportRefused, match="1 of its 2 rows"):
            bring("b_2020.csv", HSAF + "140001,*,120,350000,30\n140002,00501,120,350000,30\n")

    def test_the_command_that_is_told_works_as_it_stands(self, here, bring, capsys):
        for partner in ("dunes", "tallgrass"):
            bring("all gifts.csv", _gifts("G1"), "gift_template", name="gifts", partner=partner)
        path = here / "data/partners/dunes/gifts/all_gifts.parquet"
        told = shelf.Shelf(here, "gift_template", "gifts", "dunes").command(data.catalog.imports(here)["gifts"].imported[0])
        assert told == "catchment import gift_template --name gifts --partner dunes --remove 'all gifts.csv'"
        assert command("gift_template", "--name", "gifts", "--partner", "dunes", "--remove", "all gifts.csv") == 0
        assert not path.exists() and (here / "data/partners/tallgrass/gifts/all_gifts.parquet").exists()
        assert "all gifts.csv removed; gifts is no longer in the catalog" in capsys.readouterr().out

    def test_shapes_of_one_year_are_taken_once(self, project):  # noqa: F811
        shapes = _square(project)
        importing.run("boundaries", [shapes], root=project, year=2020)
        other = shapes.with_name("other.geojson")
        other.write_text(shapes.read_text() + "\n")
        with pytest.raises(importing.ImportRefused, match=r"from areas\.geojson .*year 2020, area_id 17031"):
            importing.run("boundaries", [other], root=project, year=2020)
        importing.run("boundaries", [other], root=project, year=2021)
        assert len(data.catalog.imports(project)["boundaries"].imported) == 2

    def test_a_gift_of_another_file_is_taken_over_and_told(self, here, bring):
        bring("first.csv", _gifts("G1", "G2", "G9"), "gift_template", name="gifts", partner="dunes")
        result = bring("second.csv", _gifts("G2", "G3", "G4"), "gift_template", name="gifts", partner="dunes")
        # One of three is too little to speak for the others: they stay.
        assert (result.rows, result.rejected) == (3, 0)
        assert result.note.endswith("In place of first: 1 as before.")
        first, second = data.catalog.imports(here)["gifts"].imported
        assert (first.rows, first.sha256, second.rows) == (2, "", 3)
        again = bring("second.csv", _gifts("G3", "G4", "G5"), "gift_template", name="gifts", partner="dunes")
        # The same name, two of three repeated: the third is withdrawn, and nothing else changes.
        assert (again.rows, again.rejected) == (3, 0)
        assert "2 as before, 1 withdrawn ($50.00)" in again.note
        folder = here / "data/partners/dunes/gifts"
        assert sorted(path.name for path in folder.glob("*")) == ["first.parquet", "second.changes.csv", "second.parquet"]
        assert (folder / "second.changes.csv").read_text().splitlines() == ["row,before,now", "G2,50.00,"]

    def test_pairs_of_two_years_under_one_name_are_both_kept(self, project):  # noqa: F811
        path = project / "pairs.txt"
        for year in (2014, 2015):
            path.write_text(f"1234567893,1245319599,60,{year - 1980},2\n")
            importing.run("shared_patients_cms", [path], root=project, year=year)
        assert sorted(read(project, "shared_patients_cms")["year"]) == [2014, 2015]

    def test_an_imported_file_that_cannot_be_read_is_named(self, project, bring):  # noqa: F811
        bring("a_2020.csv", HSAF + ROWS)
        (project / "data/imported" / KIND / "a_2020.parquet").write_bytes(b"PAR1 broken")
        with pytest.raises(importing.ImportRefused, match=r"a_2020\.parquet, imported before, cannot be read .* --remove a_2020\.parquet"):
            bring("b_2020.csv", HSAF + "140009,60601,50,350000,20\n")
        importing.remove(KIND, "a_2020.parquet", root=project)
        bring("b_2020.csv", HSAF + "140009,60601,50,350000,20\n")

    def test_millions_of_keys_are_compared_in_little_memory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(shelf, "MEMORY", "60MB")
        for name, first in (("one", 0), ("other", 999_993)):
            with duckdb.connect() as con:
                con.execute(
                    f"COPY (SELECT 2020 AS year, (1000000000 + i)::VARCHAR AS npi FROM range({first}, {first} + 1000000) t(i)) "
                    f"TO '{tmp_path / name}.parquet'"
                )
        found = shelf.overlap(["year", "npi"], tmp_path / "one.parquet", tmp_path / "other.parquet")
        assert found == (7, (2020, "1000999993"))

    def test_files_whose_ends_are_apart_are_not_compared_row_by_row(self, tmp_path, monkeypatch):
        frames = {"a": [2019, 2020], "b": [2021, 2022], "c": [2019, None]}
        for name, years in frames.items():
            pd.DataFrame({"year": pd.array(years, dtype="Int64")}).to_parquet(tmp_path / f"{name}.parquet")
        assert shelf.overlap(["year"], tmp_path / "a.parquet", tmp_path / "c.parquet") == (1, (2019,))

        def never(*_, **__):
            raise AssertionError("compared row by row")

        monkeypatch.setattr(shelf.duckdb, "connect", never)
        assert shelf.overlap(["year"], tmp_path / "a.parquet", tmp_path / "b.parquet") == (0, ())
        with pytest.raises(AssertionError):
            shelf.overlap(["year"], tmp_path / "b.parquet", tmp_path / "c.parquet")


class TestRemove:
    def test_the_file_its_rejected_rows_and_its_entry_go(self, project, bring):  # noqa: F811
        more = "".join(f"{140100 + number},61520,120,350000,30\n" for number in range(20))
        bring("HSAF_2019.csv", HSAF + ROWS)
        bring("HSAF_2020.csv", HSAF + ROWS + more + "140002,x,1,1,1\n")
        gone = importing.remove(KIND, "HSAF_2020.csv", root=project)
        assert (gone.file, gone.rows, gone.rejected) == ("HSAF_2020.csv", 23, 1)
        assert sorted(path.name for path in (project / "data/imported" / KIND).iterdir()) == ["HSAF_2019.parquet"]
        assert (imported(project), data.catalog.tables(project)[KIND].edition) == (["HSAF_2019.csv"], "2019")
        assert set(read(project)["year"]) == {2019}

    def test_the_last_one_gives_a_simulated_table_its_place_back(self, here, bring, capsys):
        (here / "data/catalog.yml").write_text(
            "tables:\n  flows:\n    title: Simulated flows\n    path: flows.csv\n    producer: T\n    edition: 2024\n    simulated: true\n"
            "    columns:\n      ccn: {type: text, meaning: hospital}\n"
        )
        bring("HSAF_2020.csv", HSAF + ROWS, name="flows")
        assert command(KIND, "--name", "flows", "--remove", "HSAF_2020.csv") == 0
        assert capsys.readouterr().out == "HSAF_2020.csv removed; flows is the simulated table again\n"
        assert data.catalog.tables(here)["flows"].simulated
        assert not [path for path in on_disk(here) if path.parts[1] == "imported"]
        bring("HSAF_2020.csv", HSAF + ROWS)
        assert command(KIND, "--remove", "HSAF_2020.csv") == 0
        assert capsys.readouterr().out == "HSAF_2020.csv removed; hospital_service_area is no longer in the catalog\n"

    def test_an_unknown_name_lists_those_there_are(self, here, bring, capsys):
        bring("HSAF_2019.csv", HSAF + ROWS)
        bring("HSAF_2020.csv", HSAF + ROWS, name="flows")
        before = on_disk(here)
        assert command(KIND, "--remove", "HSAF_2018.csv") == 1
        assert capsys.readouterr().err == (
            "not removed: no import 'HSAF_2018.csv' in the table hospital_service_area; "
            "imported: HSAF_2020.csv (--name flows), HSAF_2019.csv\n"
        )
        assert command("nppes", "--remove", "x.csv") == 1
        assert "imported: nothing of the kind nppes" in capsys.readouterr().err
        assert on_disk(here) == before

    def test_a_partners_import_is_told_by_the_partner(self, here, bring, capsys):
        bring("gifts.csv", _gifts("G1"), "gift_template", name="gifts", partner="dunes")
        assert command("gift_template", "--name", "gifts", "--remove", "gifts.csv") == 1
        assert "imported: gifts.csv (--name gifts --partner dunes)" in capsys.readouterr().err
        assert command("gift_template", "--name", "gifts", "--partner", "../x", "--remove", "gifts.parquet") == 1
        assert "'../x' is no partner id" in capsys.readouterr().err

    @pytest.mark.parametrize("file", ["../HSAF_2019.parquet", "../../catalog.yml", f"../{KIND}.yml", "/etc/passwd", "", "."])
    def test_no_other_file_can_be_removed(self, project, bring, file):  # noqa: F811
        bring("HSAF_2019.csv", HSAF + ROWS)
        before = on_disk(project)
        with pytest.raises(importing.ImportRefused, match="no import"):
            importing.remove(KIND, file, root=project)
        assert on_disk(project) == before

    def test_of_several_with_one_name_the_parquet_file_says_which(self, project, bring):  # noqa: F811
        for site in ("Lung & Bronchus", "Breast (Female)"):
            bring("incd.csv", samples.SCP_NEW.replace("Lung & Bronchus", site), "state_cancer_profiles")
        with pytest.raises(importing.ImportRefused, match=r"several .* incd\.parquet \(2017-2021, 4 rows\), incd-[0-9a-f]{8}\.parquet"):
            importing.remove("state_cancer_profiles", "incd.csv", root=project)
        importing.remove("state_cancer_profiles", "incd.parquet", root=project)
        assert set(read(project, "state_cancer_profiles")["site"]) == {"Breast (Female)"}

    def test_what_cannot_be_completed_is_undone(self, project, bring, monkeypatch):  # noqa: F811
        bring("HSAF_2019.csv", HSAF + ROWS)
        bring("HSAF_2020.csv", HSAF + ROWS.replace("30\n", "31\n"))
        before = on_disk(project)

        def full(*_, **__):
            raise OSError("No space left on device")

        monkeypatch.setattr(importing, "_write", full)
        with pytest.raises(OSError, match="No space"):
            importing.remove(KIND, "HSAF_2020.csv", root=project)
        assert on_disk(project) == before

    def test_a_removal_that_was_killed_is_completed_by_the_same_command(self, project, bring):  # noqa: F811
        bring("HSAF_2019.csv", HSAF + ROWS)
        bring("HSAF_2020.csv", HSAF + ROWS.replace("30\n", "31\n"))
        parquet = project / "data/imported" / KIND / "HSAF_2020.parquet"
        parquet.rename(parquet.with_name(parquet.name + ".removed"))
        assert set(read(project)["year"]) == {2019}
        importing.remove(KIND, "HSAF_2020.csv", root=project)
        assert sorted(path.name for path in parquet.parent.iterdir()) == ["HSAF_2019.parquet"]
        assert imported(project) == ["HSAF_2019.csv"]

    def test_a_file_that_the_catalog_does_not_know_can_be_removed_too(self, project, bring):  # noqa: F811
        bring("HSAF_2019.csv", HSAF + ROWS)
        stray = project / "data/imported" / KIND / "stray.parquet"
        stray.write_bytes((project / "data/imported" / KIND / "HSAF_2019.parquet").read_bytes())
        with pytest.raises(importing.ImportRefused, match=r"from stray\.parquet .*--remove stray\.parquet"):
            bring("HSAF_2019.csv", HSAF + ROWS.replace("30\n", "31\n"))
        importing.remove(KIND, "stray.parquet", root=project)
        assert (stray.exists(), imported(project)) == (False, ["HSAF_2019.csv"])


class TestList:
    def test_each_import_has_a_line(self, here, bring, capsys):
        assert command("--list") == 0
        assert capsys.readouterr().out == "nothing imported\n"
        bring("HSAF_2019.csv", HSAF + ROWS, name="flows")
        bring("gifts.csv", _gifts("G1"), "gift_template", name="gifts", partner="dunes")
        assert command("--list") == 0
        first, second = capsys.readouterr().out.splitlines()
        assert first.split()[:6] == ["flows", "all", KIND, "HSAF_2019.csv", "2019", "3"] and "sha256 " in first
        assert second.split()[:4] == ["gifts", "dunes", "gift_template", "gifts.csv"]
        for arguments in (["gift_template"], ["--name", "gifts"], ["--partner", "dunes"]):
            assert command(*arguments, "--list") == 0
            assert capsys.readouterr().out.split()[0] == "gifts"

    def test_a_lost_file_is_told_and_imported_again(self, here, bring, capsys):
        bring("HSAF_2019.csv", HSAF + ROWS)
        parquet = here / "data/imported" / KIND / "HSAF_2019.parquet"
        parquet.unlink()
        command("--list")
        assert "its Parquet file is missing" in capsys.readouterr().out
        bring("HSAF_2019.csv", HSAF + ROWS)
        assert parquet.exists() and imported(here) == ["HSAF_2019.csv"]

    @pytest.mark.parametrize("arguments", [["--remove", "x.csv"], [KIND, "x.csv", "--list"], [KIND, "x.csv", "--remove", "x.csv"]])
    def test_an_unclear_request_is_answered_with_the_usage(self, here, arguments, capsys):
        assert command(*arguments) == 2
        assert "--remove FILE" in capsys.readouterr().err


def _gifts(*names):
    return GIFTS + "".join(f"{name},D1,2024-01-05,outright,50,annual giving\n" for name in names)


def _square(folder):
    path = folder / "areas.geojson"
    ring = "[[0,0],[1,0],[1,1],[0,1],[0,0]]"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"GEOID":"17031","NAME":"Cook"},'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}'
    )
    return path
