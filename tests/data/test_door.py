"""Nothing wrong goes through the door, and nothing right is turned away: files as producers, spreadsheets and accidents make them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_importers import HGI_NEW, HGI_ROWS, HSAF, SETTINGS, brought, project, refused, square  # noqa: F401 - a fixture

from catchment import data
from catchment.data import importing
from catchment.data.importing import stream
from catchment.params.text import read

SCP_HEAD = (
    'County, FIPS,"Age-Adjusted Incidence Rate([rate note]) - cases per 100,000","Lower 95% Confidence Interval","Upper 95% Confidence '
    'Interval",Average Annual Count,Recent Trend,"Recent 5-Year Trend ([trend note]) in Incidence Rates","Lower 95% Confidence Interval",'
    '"Upper 95% Confidence Interval"\n'
)
SCP_TITLE = (
    'Incidence Rate Report for Michigan by County\n\n"All Cancer Sites, 2010-2014"\n\n'
    '"All Races (includes Hispanic), Both Sexes, All Ages"\n\nSorted by Rate\n\n'
)
SCP_ROWS = (
    '"Wexford County(6,10)",26165,534.9 #  ,503.2, 568.2,224,stable,-3.8 ,-8.6, 1.2\n'
    '"Osceola County(6,10)",26133,533.5 #  ,496.6, 572.5,167,stable,1.9 ,-16.0, 23.7\n'
    '"Genesee County(6,10)",26049,497.8 #  ,488.9, 506.9,2460,stable,-2.8 ,-8.1, 2.9\n\n'
    "# Data do not include cases diagnosed in other states.\n"
)


class TestStateCancerProfiles:
    def test_the_sign_of_a_footnote_after_a_number_is_no_part_of_it(self, project):  # noqa: F811
        result, frame = brought(project, "state_cancer_profiles", "incd.csv", SCP_TITLE + SCP_HEAD + SCP_ROWS)
        assert (result.rows, result.rejected) == (3, 0)
        assert frame["rate_100k"].tolist() == [534.9, 533.5, 497.8]
        assert frame["area"].tolist()[0] == "Wexford County"

    @pytest.mark.parametrize("area", ["Parish", "Borough", "Planning Region", "Census Area"])
    def test_counties_by_any_name(self, project, area):  # noqa: F811
        content = (SCP_TITLE + SCP_HEAD + SCP_ROWS).replace("County, FIPS", f"{area}, FIPS").replace("by County", f"by {area}")
        assert len(brought(project, "state_cancer_profiles", "incd.csv", content)[1]) == 3

    @pytest.mark.parametrize("site", ["All Cancer Sites, 2022", "All Cancer Sites (All Stages^), 2022"])
    def test_a_single_year_is_first_and_last(self, project, site):  # noqa: F811
        content = (SCP_TITLE + SCP_HEAD + SCP_ROWS).replace("All Cancer Sites, 2010-2014", site)
        frame = brought(project, "state_cancer_profiles", "incd.csv", content)[1]
        assert frame[["site", "year_first", "year_last"]].drop_duplicates().values.tolist() == [["All Cancer Sites", 2022, 2022]]

    def test_without_its_title_site_and_years_are_asked_for_and_given(self, project):  # noqa: F811
        assert "--set site=" in refused(project, "state_cancer_profiles", "incd.csv", SCP_HEAD + SCP_ROWS)
        told = {"site": "Lung & Bronchus", "years": "2010-2014"}
        frame = brought(project, "state_cancer_profiles", "incd.csv", SCP_HEAD + SCP_ROWS, given=told)[1]
        named = frame[["measure", "site", "year_first", "year_last", "sex", "ages"]].drop_duplicates().values.tolist()
        assert named == [["incidence", "Lung & Bronchus", 2010, 2014, "both", "All Ages"]]

    @pytest.mark.parametrize("told", [{"site": "Lung", "years": "2010 to 14"}, {"site": "Lung", "years": "2010-2014", "stag": "x"}])
    def test_what_is_given_wrongly_is_told(self, project, told):  # noqa: F811
        with pytest.raises(importing.ImportRefused, match=r"expected years such as|nothing can be given for stag"):
            brought(project, "state_cancer_profiles", "incd.csv", SCP_HEAD + SCP_ROWS, given=told)


CMS = (
    "Rndrng_Prvdr_CCN,Rndrng_Prvdr_Org_Name,Rndrng_Prvdr_City,Rndrng_Prvdr_State_Abrvtn,Rndrng_Prvdr_Zip5,Tot_Benes,Tot_Dschrgs,Tot_Days,"
    "Tot_Submtd_Cvrd_Chrg,Tot_Mdcr_Pymt_Amt,Bene_CC_PH_Cancer6_V2_Pct\n"
    "010001,Hospital One,Dothan,AL,36301,3088,4059,23955,278526569.12,50914956.3,{}\n"
    "010005,Hospital Two,Boaz,AL,35957,1123,1410,7381,31478721,11823938,{}\n"
)


@pytest.mark.parametrize(
    ("written", "shares"),
    [(("0.11", "0.75"), [0.11, 0.75]), (("11", "75"), [0.11, 0.75]), (("0.8", "12"), [0.008, 0.12]), (("0.8%", "0.5%"), [0.008, 0.005])],
)
def test_fractions_and_percent_of_one_column_are_told_apart(project, written, shares):  # noqa: F811
    frame = brought(project, "inpatient_by_provider", "MUP_INP_2022.csv", CMS.format(*written))[1]
    assert frame["cancer_share"].tolist() == shares


def test_trials_without_a_column_of_locations_have_no_number_of_sites(project):  # noqa: F811
    content = (
        "NCT Number,Study Title,Study Status,Conditions,Sponsor\nNCT00000001,Study one,RECRUITING,Colon cancer,A\n"
        "NCT00000002,Study two,COMPLETED,Rectal cancer,B\n"
    )
    frame = brought(project, "clinical_trials", "trials.csv", content)[1]
    assert frame["nct"].tolist() == ["NCT00000001", "NCT00000002"]
    assert frame["sites_n"].isna().all()


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-05", "2024-03-05T00:00:00", "2024-03-05 14:30:00.000", "2024-03-05T14:30:00Z", "3/5/2024 2:30 PM", "03/05/2024 14:30",
        "2024-03-05T14:30:00+01:00", "45356", "Mar 5, 2024, 2:30 PM", "05-Mar-24",
    ],
)  # fmt: skip
def test_a_date_with_a_time_is_its_day(project, written):  # noqa: F811
    content = f'NCT Number,Study Title,Study Status,Conditions,Last Update Posted\nNCT00000001,One,RECRUITING,Colon cancer,"{written}"\n'
    assert brought(project, "clinical_trials", "trials.csv", content)[1]["updated_date"].dt.strftime("%Y-%m-%d").tolist() == ["2024-03-05"]


MANY = [f"{141000 + number},HOSPITAL {number},X,CITY,IL,60601,COOK,,Acute,Private,Yes,4\n" for number in range(1000)]


class TestQuotationMarks:
    @pytest.mark.parametrize("spoilt", [(100,), (100, 900), (998,), (100, 101, 500)])
    @pytest.mark.parametrize("wrong", ['"HOSPITAL', 'HOSPITAL 5" PIPE', '"HOSPITAL" X', "CLOSED"])
    def test_one_bad_mark_spoils_one_row(self, project, spoilt, wrong):  # noqa: F811
        rows = list(MANY)
        for place, number in enumerate(spoilt):
            # A mark that opens in one row and closes in another would take all rows between them into one cell.
            name = wrong if wrong != "CLOSED" else ('"HOSPITAL' if place % 2 == 0 else 'HOSPITAL"')
            rows[number] = rows[number].replace(f"HOSPITAL {number}", name)
        result, frame = brought(project, "hospital_information", "HGI_2026.csv", HGI_NEW + "".join(rows))
        assert result.rows + result.rejected == 1000
        assert result.rejected <= len(spoilt)
        assert set(frame["ccn"]) >= {f"{141000 + number}" for number in range(1000) if number not in spoilt}

    def test_a_cell_of_several_lines_stays_whole(self, project):  # noqa: F811
        content = HGI_NEW + HGI_ROWS.replace("ONE DRIVE", '"ONE DRIVE\nSUITE 2, ""EAST""\n\nREAR"')
        frame = brought(project, "hospital_information", "HGI_2026.csv", content)[1]
        assert frame["address"][0] == 'ONE DRIVE SUITE 2, "EAST" REAR'

    @given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00\x1a"), max_size=8), min_size=4, max_size=4)))
    def test_whatever_the_csv_module_writes_is_read_back(self, rows):
        import csv
        import io

        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\n").writerows(rows)
        content = iter(out.getvalue().splitlines(keepends=True)) if "\x0b" not in out.getvalue() else None
        if content is None or any(set(cell) & set("\x0c\x1c\x1d\x1e\x85\u2028\u2029") for row in rows for cell in row):
            return  # str.splitlines knows more ends of lines than files have
        found = [record for _, record in stream.records(content, ",", "x.csv", width=4)]
        whole = [record for record in found if not isinstance(record, stream.Torn)]
        inner = any("\n" in cell for row in rows for cell in row)
        assert whole == rows or (inner and len(whole) <= len(rows))


@pytest.mark.parametrize("name", ["list.csv", "hospitals.csv"])
def test_the_wrong_kind_is_said_before_a_missing_year(project, name):  # noqa: F811
    assert "it looks like hospital_information" in refused(project, "hospital_service_area", name, HGI_NEW + HGI_ROWS)
    assert "with column names it is a file of" in refused(project, "shared_patients_cms", name, "npi_from,npi_to,a,b,c\n1,2,3,4,5\n")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel .* save it as .xlsx or as CSV"),
        ("book.accdb", b"\x00\x01\x00\x00Standard ACE DB\x00", "an Access database, which is not imported: export its table"),
        ("gifts.mdb", b"something", "an Access database"),
        ("report.pdf", b"%PDF-1.7\n", "a PDF, .* ask for the data behind it"),
        ("report.PDF", b"x", "a PDF"),
        ("a.sas7bdat", b"\0" * 12 + b"\xc2\xea\x81\x60", "PROC EXPORT"),
        ("export.xls", b"<html><table><tr><td>1</td></tr></table></html>", "a web page .* open it in Excel"),
        ("export.csv", b"\n <!DOCTYPE html><html>", "a web page"),
        ("a.parquet", b"PAR1xxxx", "data/catalog.yml, which reads Parquet"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "unpack it"),
        ("book.xlsx", b"PK\x03\x04 broken", "damaged|no such column"),
    ],
)
def test_a_container_that_is_not_read_says_what_to_do(project, name, content, said):  # noqa: F811
    path = project / name
    path.write_bytes(content)
    with pytest.raises(importing.ImportRefused, match=said):
        importing.run("hospital_information", [path], root=project, year=2026)


def test_an_import_into_a_table_of_another_kind_is_refused(project):  # noqa: F811
    (project / "data/catalog.yml").write_text(
        "tables:\n  gifts:\n    title: Gifts (simulated)\n    path: demo/gifts.csv\n    producer: T\n    edition: 2024\n    simulated: true\n"
        "    columns:\n      gift_id: {type: text, meaning: gift}\n      campaign_id: {type: text, nullable: true, meaning: campaign}\n"
    )
    said = "make no table 'gifts': it has columns that they lack \\(gift_id\\)"
    with pytest.raises(importing.ImportRefused, match=said):
        brought(project, "hospital_service_area", "HSAF_2020.csv", HSAF, name="gifts")
    assert not (project / "data/imported").exists()


class TestCharacters:
    @pytest.mark.parametrize("strange", ["\u202egnp.exe", "A\u200bB", "\ufeffA", "bell\x07", "\u2066x\u2069", "del\x7f"])
    def test_control_and_direction_characters_stay_outside(self, project, strange):  # noqa: F811
        rows = "".join(MANY[:200])
        content = HGI_NEW + rows + HGI_ROWS.replace('"ALTON, MEMORIAL"', strange)
        result, frame = brought(project, "hospital_information", "HGI_2026.csv", content)
        assert result.rejected == 1
        assert "140002" not in set(frame["ccn"])
        told = (project / "data/imported/hospital_information/HGI_2026.rejects.csv").read_text()
        assert "without control characters or marks of direction" in told
        assert told.isprintable() or told.replace("\n", "").replace("\r", "").isprintable()

    @pytest.mark.parametrize("name", ["São José", "Doña Ana", "ALTON\u00a0MEMORIAL", "北京", "O'Brien–Smith"])
    def test_names_of_any_script_come_in(self, project, name):  # noqa: F811
        frame = brought(project, "hospital_information", "HGI_2026.csv", HGI_NEW + HGI_ROWS.replace('"ALTON, MEMORIAL"', name))[1]
        assert frame["hospital"][0] == name


class TestShapes:
    def write(self, project, *features, name="areas_2020.geojson"):  # noqa: F811
        parts = [
            {"type": "Feature", "properties": {"zip": code}, "geometry": shape and {"type": "Polygon", "coordinates": shape}}
            for code, shape in features
        ]
        path = project / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": parts}))
        return path

    def test_a_row_without_a_shape_is_listed(self, project):  # noqa: F811
        path = self.write(project, ("06901", None), ("06902", square(-73)))
        (result,) = importing.run("boundaries", [path], root=project)
        assert (result.rows, result.rejected) == (1, 1)
        told = (project / "data/imported/boundaries/areas_2020.geo.rejects.csv").read_text().splitlines()
        assert told[1:] == ["1,,an area with an identifier,06901: no geometry"]

    def test_coordinates_outside_of_the_globe_are_refused(self, project):  # noqa: F811
        metres = (np.array(square(-88)) * 100_000).tolist()
        with pytest.raises(importing.ImportRefused, match="expected degrees from -180 to 180 and -90 to 90, found -8,800,000"):
            importing.run("boundaries", [self.write(project, ("06901", metres))], root=project)

    @pytest.mark.parametrize(("left", "said"), [(None, "a shape in each row, found no geometry"), (2000, "expected degrees")])
    def test_shapes_that_the_catalog_names_are_checked_alike(self, project, left, said):  # noqa: F811
        (project / "data/catalog.yml").write_text(
            "tables:\n  areas:\n    title: Areas\n    path: areas_2020.geojson\n    producer: T\n    edition: 2020\n    key: [zip]\n"
            "    columns:\n      zip: {type: text, meaning: ZIP code}\n"
        )
        self.write(project / "data", ("06901", square(-88)), ("06902", left and square(left)))
        with pytest.raises(data.DataError, match=said):
            data.Tables(SETTINGS, root=project).geometry("areas")


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000 + "]" * 100_000, "- " * 50_000 + "x", "a: " + "{b: " * 50_000 + "}" * 50_000])
def test_deep_yaml_is_refused_and_ends_no_process(tmp_path, text):
    (tmp_path / "deep.yml").write_text(text)
    assert [problem.message for problem in read(tmp_path / "deep.yml").problems] == ["nested deeper than 20 levels"]


def test_brackets_within_a_text_are_no_depth(tmp_path):
    (tmp_path / "note.yml").write_text("note: '" + "[" * 60 + "'\n")
    assert read(tmp_path / "note.yml").problems == []
