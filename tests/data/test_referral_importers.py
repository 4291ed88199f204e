"""Importers of the referral page: shared-patient files in their three layouts, Care Compare, the internal extract; bad rows set aside."""

import csv
import gzip
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from catchment import data, params
from catchment.data import importing, npi
from catchment.stats import network

ROOT = Path(__file__).parents[2]
SETTINGS = params.load("dunes", root=ROOT)

CMS = "1234567893,1245319599,   40, 25,   2\n1245319599,1234567893, 33, 21, 0\n1043302458,1043302458,99,30,12\n"
DOCGRAPH = "npi_from,npi_to,shared_transaction_count,patient_total,same_day_total\n1234567893,1245319599,40,25,2\n"
HOP = "from_npi,to_npi,patient_count,transaction_count,average_day_wait,std_day_wait\n1234567893,1245319599,25,40,12.5,3.25\n"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/catalog.yml").write_text("tables: {}\n")
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def brought(project, kind, file, content, **more):
    path = project / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (result,) = importing.run(kind, [path], root=project, **more)
    return result, data.Tables(SETTINGS, root=project).read(more.get("name") or kind)


def rejects(project, kind):
    (path,) = (project / "data").rglob(f"{kind}/*.rejects.csv")
    with path.open(newline="") as stream:
        return list(csv.reader(stream))[1:]


def refused(project, kind, file, content, **more):
    path = project / file
    path.write_text(content)
    with pytest.raises(importing.ImportRefused) as caught:
        importing.run(kind, [path], root=project, **more)
    assert not [left for left in (project / "data").rglob("*") if left.suffix in (".parquet", ".part", ".work", ".csv")]
    return str(caught.value)


def many(n, start=0):
    """Good lines, so that a few bad ones stay below one in a hundred."""
    return "".join(f"{1500000000 + i},{1600000000 + i},{20 + i % 7},{11 + i % 5},{i % 3}\n" for i in range(start, start + n))


def test_the_published_file_without_header_and_with_blanks(project):
    result, frame = brought(project, "shared_patients_cms", "physician-shared-patient-patterns-2015-days180.txt", CMS)
    assert (result.rows, result.rejected, result.vintage) == (3, 0, "2015")
    assert frame[["npi1", "npi2"]].values.tolist() == [
        ["1043302458", "1043302458"],
        ["1234567893", "1245319599"],
        ["1245319599", "1234567893"],
    ]
    assert frame[["year", "pairs_n", "patients_n", "same_day_n"]].values.tolist() == [
        [2015, 99, 30, 12],
        [2015, 40, 25, 2],
        [2015, 33, 21, 0],
    ]


@pytest.mark.parametrize(
    ("kind", "content"),
    [("shared_patients_docgraph", DOCGRAPH), ("shared_patients_docgraph", DOCGRAPH.upper().replace(",", "\t")), ("hop_teaming", HOP)],
)
def test_patients_are_never_taken_for_transactions(project, kind, content):
    _, frame = brought(project, kind, "links_2014.csv", content)
    assert frame.loc[0, ["npi1", "npi2", "patients_n", "pairs_n"]].tolist() == ["1234567893", "1245319599", 25, 40]


def test_hop_teaming_has_days_in_place_of_same_day_pairs(project):
    _, frame = brought(project, "hop_teaming", "hop_teaming_2019.csv", HOP)
    assert frame.loc[0, ["wait_mean_days", "wait_sd_days"]].tolist() == [12.5, 3.25]
    assert "same_day_n" not in frame


def test_days_that_are_no_number_are_set_aside_and_an_unknown_spread_is_not(project):
    lines = [f"{1500000000 + i},{1600000000 + i},{20 + i % 7},{31 + i % 5},{i % 9}.5,1.5e-1" for i in range(1200)]
    lines += ["1234567893,1245319599,25,40,nan,3", "1234567893,1245319599,25,40,inf,3", "1234567893,1245319599,25,40,12.5,"]
    result, frame = brought(project, "hop_teaming", "hop_2019.csv", HOP.splitlines()[0] + "\n" + "\n".join(lines) + "\n")
    assert (result.rows, result.rejected) == (1201, 2)
    assert [row[1] for row in rejects(project, "hop_teaming")] == [
        f"wait_mean_days: expected a number, found {word}" for word in ("nan", "inf")
    ]
    assert frame.set_index("npi1").loc["1234567893", ["wait_mean_days", "wait_sd_days"]].isna().tolist() == [False, True]


def test_a_strange_character_makes_its_line_bad_and_not_the_file(project):
    result, _ = brought(
        project, "shared_patients_cms", "pairs_2015.txt", many(900).encode() + "1234567893,1245319599,4é,25,2\n".encode("latin-1")
    )
    assert (result.rows, result.rejected) == (900, 1)
    assert rejects(project, "shared_patients_cms")[0][:2] == ["901", "pairs_n: expected a whole number, found 4é"]


@pytest.mark.parametrize("pack", ["zip", "gz"])
def test_packed_files_give_the_same_table(project, pack):
    if pack == "gz":
        _, frame = brought(project, "shared_patients_cms", "pairs_2015.txt.gz", gzip.compress(CMS.encode()))
    else:
        with zipfile.ZipFile(project / "pairs_2015.zip", "w") as archive:
            archive.writestr("pairs.txt", CMS)
        importing.run("shared_patients_cms", [project / "pairs_2015.zip"], root=project)
        frame = data.Tables(SETTINGS, root=project).read("shared_patients_cms")
    assert frame["patients_n"].tolist() == [30, 25, 21]


BAD = {
    "1234567893,1245319599,40": "expected 5 columns, found 3",
    "1234567893,1245319599,40,25,2,7": "expected 5 columns, found 6",
    "123456789,1245319599,40,25,2": "npi1: expected a ten-digit NPI, found 123456789",
    "1234567893,12345678901,40,25,2": "npi2: expected a ten-digit NPI, found 12345678901",
    "1234567893,1245319599,4o,25,2": "pairs_n: expected a whole number, found 4o",
    "1234567893,1245319599,40,2.5,2": "patients_n: expected a whole number not below 1, found 2.5",
    "1234567893,1245319599,1e3,25,2": "pairs_n: expected a whole number, found 1e3",
    "1234567893,1245319599,1_000,25,2": "pairs_n: expected a whole number, found 1_000",
    "1234567893,1245319599,0x1F,25,2": "pairs_n: expected a whole number, found 0x1F",
    "1234567893,1245319599,40,,2": "patients_n: expected a whole number not below 1, found",
    "1234567893,1245319599,40,25,-2": "same_day_n: expected a whole number, found -2",
    "1500000003,1600000003,50,25,2": "the pair stands on an earlier line",
}


def test_bad_rows_are_set_aside_with_their_line_and_reason(project):
    lines = many(1200).splitlines()
    for place, text in enumerate(BAD):
        lines.insert(100 * (place + 1) - 1, text)
    result, frame = brought(project, "shared_patients_cms", "pairs_2015.txt", "\n".join(lines) + "\n")
    assert (result.rows, result.rejected) == (1200, len(BAD))
    assert len(frame) == 1200
    told = rejects(project, "shared_patients_cms")
    assert [int(row[0]) for row in told] == [100 * (place + 1) for place in range(len(BAD))]
    for (_, reason, text), (line, expected) in zip(told, BAD.items(), strict=True):
        assert reason.strip() == expected
        assert re.sub(r"\s", "", text) == line
    # The first of two equal pairs is the one that counts.
    assert frame.loc[frame["npi1"] == "1500000003", "pairs_n"].tolist() == [23]


def test_rows_and_rejects_add_up_to_the_lines_of_the_file(project):
    content = many(800) + "x\n" + many(5) + "\n" + many(10, 900)
    result, _ = brought(project, "shared_patients_cms", "pairs_2015.txt", content)
    assert result.rows + result.rejected == len([line for line in content.splitlines() if line])
    assert result.rejected == 6


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text(project):
    brought(project, "shared_patients_cms", "pairs_2015.txt", many(900) + "=cmd|' /C calc'!A0,1,2,3,4\n")
    assert rejects(project, "shared_patients_cms")[0][2].startswith("'=cmd")


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("shared_patients_cms", "", "empty"),
        (
            "shared_patients_cms",
            DOCGRAPH,
            "expected no header and an NPI first, found 'npi_from'; with column names it is a file of the kind shared_patients_docgraph",
        ),
        ("shared_patients_docgraph", CMS, "a file without column names is of the kind shared_patients_cms"),
        ("hop_teaming", DOCGRAPH, "expected a header of the kind hop_teaming with average_day_wait"),
        ("shared_patients_cms", many(50) + "x\n" * 9, "9 of 59 lines are not of this layout"),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(project, kind, content, said):
    assert said in refused(project, kind, "pairs_2015.txt", content)


def test_a_slice_reads_only_the_clinicians_asked_for(project):
    brought(project, "shared_patients_cms", "pairs_2015.txt", many(1000))
    frame = data.Tables(SETTINGS, root=project).read("shared_patients_cms", npi1=["1500000007", "1500000900"])
    assert frame["npi2"].tolist() == ["1600000007", "1600000900"]


DAC = (
    "NPI,Ind_PAC_ID,Ind_enrl_ID,Provider Last Name,Provider First Name,Provider Middle Name,suff,gndr,Cred,Med_sch,Grd_yr,pri_spec,sec_spec_1,sec_spec_2,sec_spec_3,sec_spec_4,sec_spec_all,"
    "Telehlth,Facility Name,org_pac_id,num_org_mem,adr_ln_1,adr_ln_2,ln_2_sprs,City/Town,State,ZIP Code,Telephone Number,ind_assgn,grp_assgn,adrs_id\n"
    "1234567893,1111111111,I20040101000001,ROE,JANE,,,F,MD,OTHER,1988,HEMATOLOGY/ONCOLOGY,,,,,,Y,OAK CLINIC,2222222222,12,1 A ST,,,OSWEGO,IL,605431234,,Y,M,IL605430001\n"
    "1234567890,1111111112,I20040101000002,DOE,JOHN,,,M,,,,UROLOGY,,,,,,,,,,2 B ST,,,GARY,IN,46402,,Y,,IN464020002\n"
)
DAC_OLD = (
    "NPI,Ind_PAC_ID,Ind_enrl_ID,lst_nm,frst_nm,mid_nm,suff,gndr,Cred,Med_sch,Grd_yr,pri_spec,sec_spec_all,org_nm,org_pac_id,num_org_mem,adr_ln_1,adr_ln_2,cty,st,zip,phn_numbr\n"
    "1234567893,1111111111,I20040101000001,ROE,JANE,,,F,MD,OTHER,1988,HEMATOLOGY/ONCOLOGY,,OAK CLINIC,2222222222,12,1 A ST,,OSWEGO,IL,605431234,\n"
)
AFFILIATION = (
    "NPI,Ind_PAC_ID,Provider Last Name,Provider First Name,Provider Middle Name,suff,facility_type,Facility Affiliations Certification Number,Facility Type Certification Number\n"
    "1234567893,1111111111,ROE,JANE,,,Hospital,140001,\n1234567893,1111111111,ROE,JANE,,,Inpatient rehabilitation facility,14T001,140001\n"
)


def test_care_compare_clinicians_new_and_old(project):
    _, frame = brought(project, "care_compare_clinicians", "DAC_NationalDownloadableFile_2024.csv", DAC)
    first = frame.set_index("npi").loc["1234567893"]
    assert first[["name", "graduation_year", "specialty", "zip", "city", "npi_valid"]].tolist() == [
        "ROE",
        1988,
        "HEMATOLOGY/ONCOLOGY",
        "60543",
        "OSWEGO",
        True,
    ]
    assert not frame.set_index("npi").loc["1234567890", "npi_valid"]
    _, older = brought(project, "care_compare_clinicians", "DAC_2019.csv", DAC_OLD, name="older")
    assert older.loc[0, ["name", "organization", "zip", "graduation_year"]].tolist() == ["ROE", "OAK CLINIC", "60543", 1988]


def test_affiliations_bridge_clinicians_and_hospitals(project):
    _, frame = brought(project, "facility_affiliation", "Facility_Affiliation_2024.csv", AFFILIATION)
    assert frame[["npi", "ccn"]].values.tolist() == [["1234567893", "140001"], ["1234567893", "14T001"]]


def templates():
    """The two examples that the documentation gives a partner."""
    return re.findall(r"```text\n(.*?)```", (ROOT / "docs/reference/referral-extract.md").read_text(), re.DOTALL)


def test_the_documented_extract_takes_the_place_of_the_cases(project):
    result, frame = brought(project, "referral_extract", "cases.csv", templates()[0], name="referral_cases", partner="dunes")
    assert result.rows == 2
    assert frame["partner"].tolist() == ["dunes", "dunes"]
    assert frame["case_id"].tolist() == ["000001", "000002"]
    assert frame["consult_date"].isna().tolist() == [False, True]
    needed = {
        "partner",
        "case_id",
        "npi",
        "site",
        "service",
        "destination",
        "referral_date",
        "scheduled_date",
        "consult_date",
        "treatment_date",
        "followed_until",
    }
    assert needed <= set(frame)


def test_the_documented_counts_take_the_place_of_the_referrals(project):
    _, frame = brought(project, "referral_counts", "referrals.csv", templates()[1], name="referrals", partner="dunes")
    assert frame["evidence"].tolist() == ["order", "claims"]
    assert frame["eligible"].tolist() == [True, True]
    assert frame["treated_n"].isna().tolist() == [False, True]


def test_columns_that_name_patients_are_not_read(project):
    head, *rows = templates()[0].splitlines()
    content = "\n".join([head + ",patient_name,mrn", *(row + ",Ann Example,12345" for row in rows)]) + "\n"
    _, frame = brought(project, "referral_extract", "cases.csv", content, partner="dunes")
    assert not {"patient_name", "mrn"} & set(frame)
    written = b"".join(path.read_bytes() for path in (project / "data/partners").rglob("*") if path.is_file())
    assert b"Ann Example" not in written


def test_dates_that_contradict_each_other_are_set_aside(project):
    head, row, _ = templates()[0].splitlines()
    good = "".join(row.replace("000001", f"{i:06d}") + "\n" for i in range(200))
    bad = row.replace("000001", "bad001").replace("2025-03-17", "2025-02-17") + "\n"
    result, _ = brought(project, "referral_extract", "cases.csv", head + "\n" + good + bad, partner="dunes")
    assert (result.rows, result.rejected) == (200, 1)
    assert rejects(project, "referral_extract")[0][:3] == ["202", "", "consult_date not before referral_date"]


def test_an_extract_belongs_to_one_partner(project):
    assert "one partner's own" in refused(project, "referral_extract", "cases.csv", templates()[0])


def test_the_demo_pairs_are_a_file_of_the_published_layout(project):
    source = ROOT / "data/demo/referrals/shared_patients_2025_180_days.csv.gz"
    result, frame = brought(project, "shared_patients_cms", "pairs_2025.txt.gz", source.read_bytes())
    assert result.rejected == 0
    assert len(frame) == len(gzip.decompress(source.read_bytes()).splitlines())
    assert not npi.valid(frame["npi1"]).any()


def test_two_years_of_pairs_stand_side_by_side_and_one_is_chosen(project):
    for year, patients in ((2014, 30), (2015, 40)):
        (project / f"pairs_{year}.txt").write_text(f"1234567893,1245319599,60,{patients},2\n1245319599,1043302458,60,{patients + 5},0\n")
    results = importing.run(
        "shared_patients_cms", [project / "pairs_2014.txt", project / "pairs_2015.txt"], root=project, name="shared_patients"
    )
    assert [result.rows for result in results] == [2, 2]
    frame = data.Tables(SETTINGS, root=project).read("shared_patients")
    assert frame["year"].tolist() == [2014, 2014, 2015, 2015]
    found = network.links(frame, known=set(frame["npi1"]) | set(frame["npi2"]))
    assert (found.year, sorted(found.links["patients_n"])) == (2015, [40, 45])
