"""Names at the door: what the tables do not know is listed and refused, never dropped, never taken for another."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment import data, params
from catchment.data import catalog, importing, likeness

ROOT = Path(__file__).parents[2]
OWN = [name for name, table in catalog.listed(ROOT).items() if table.simulated and not table.year_from]


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data/catalog.yml", tmp_path / "data")
    for name in ("public", "demo"):
        (tmp_path / "data" / name).symlink_to(ROOT / "data" / name)
    return tmp_path


def demo(name, partner="dunes"):
    """Rows of a demo table as text, without the column that names the partner."""
    table = catalog.listed(ROOT)[name]
    found = ROOT / "data" / (table.path or "").replace("{partner}", partner)
    if not found.exists():
        pytest.skip(f"the demo has no {name} of {partner}")
    frame = pd.read_csv(found, dtype=str, keep_default_na=False)
    return frame.drop(columns="partner") if table.scope == "partner" else frame


def bring(project, kind, frame, *, partner="dunes", **more):
    frame.to_csv(project / "office.csv", index=False)
    return importing.run(kind, [project / "office.csv"], root=project, partner=partner, **more)[0]


def read(project, name, partner="dunes"):
    return data.Tables(params.load(partner, root=project)).read(name)


@pytest.mark.parametrize("name", OWN)
def test_every_own_table_has_a_kind_that_reads_it_whole(project, name):
    frame = demo(name)
    result = bring(project, name, frame)
    assert (result.rows, result.rejected) == (len(frame), 0)
    tables = data.Tables(params.load("dunes", root=project))
    mine, key = tables.whole(name), list(catalog.listed(ROOT)[name].key)
    made_up = data.Tables(params.load("dunes", root=ROOT)).whole(name)
    pd.testing.assert_frame_equal(
        mine[list(made_up)].sort_values(key).reset_index(drop=True), made_up.sort_values(key).reset_index(drop=True), check_dtype=False
    )
    assert not tables.origin(name).simulated
    rules, kept = catalog.listed(ROOT)[name].columns, catalog.table(project, name, "dunes").columns
    for column, rule in rules.items():
        for each in ("references", "values", "ours", "min", "max"):
            assert not getattr(rule, each) or getattr(kept[column], each) == getattr(rule, each), (column, each)


class TestUnknown:
    def test_the_own_hospital_spelled_otherwise_is_refused_with_rows_amount_and_nearest_name(self, project):
        """In capitals it turned a keepage of 59.6 % into 10 %, and no check said so."""
        frame = demo("referrals").replace("Dunes Regional Hospital", "DUNES REGIONAL HOSPITAL")
        rows, cases = (frame["destination"] == "DUNES REGIONAL HOSPITAL").sum(), 0
        cases = pd.to_numeric(frame.loc[frame["destination"] == "DUNES REGIONAL HOSPITAL", "referrals_n"]).sum()
        with pytest.raises(importing.ImportRefused) as caught:
            bring(project, "referral_counts", frame, name="referrals")
        said = str(caught.value)
        assert "destination: 1 name not among referral_destinations.destination: 'DUNES REGIONAL HOSPITAL' " in said
        assert f"({rows:,} rows, {cases:,} referrals; nearest: Dunes Regional Hospital)" in said
        assert "params/partners/dunes.maps/referral_counts.yml" in said
        assert "params/partners/dunes.maps/referral_counts.yml" in said
        assert not data.catalog.imports(project)

    @pytest.mark.parametrize(("site", "like"), [("breast", "Breast"), ("Lung", "Lung & bronchus"), ("C50.9", "")])
    def test_a_site_that_is_none_of_the_tables(self, project, site, like):
        frame = demo("referrals").replace({"site": {"Breast": site}})
        with pytest.raises(importing.ImportRefused, match=rf"site: 1 name not among .*'{site}' \(.* rows.*{like}"):
            bring(project, "referrals", frame)

    def test_every_unknown_name_is_listed(self, project):
        first, second = demo("kpi_months")["kpi"].unique()[:2]
        frame = demo("kpi_months").replace({"kpi": {first: "Fractions", second: "accrual"}})
        with pytest.raises(importing.ImportRefused) as caught:
            bring(project, "kpi_months", frame)
        assert "kpi: 2 names not among kpi_definitions.kpi" in str(caught.value)
        assert "'Fractions'" in str(caught.value) and "'accrual'" in str(caught.value)

    def test_a_mapping_says_what_they_mean_and_the_next_file_goes_in(self, project):
        frame = demo("referrals").replace("Dunes Regional Hospital", "DUNES REG HOSP")
        folder = project / "params/partners/dunes.maps"
        folder.mkdir()
        names_ = "\n".join(f"  {column}:\n    Dunes Reg Hosp: Dunes Regional Hospital" for column in ("destination", "destination_system"))
        (folder / "referrals.yml").write_text(f"values:\n{names_}\n")
        assert bring(project, "referrals", frame).rows == len(frame)
        assert set(read(project, "referrals")["destination"]) == set(demo("referrals")["destination"])

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("values:\n  destinaton: {a: b}\n", r"dunes.maps/referrals.yml:2: values.destinaton: .*did you mean destination\?"),
            ("colums: {}\n", r":1: colums: unknown key \(did you mean columns\?\)"),
            ("leave_out:\n  Dept: [x]\n", "rows are to be left out by 'Dept': no such column"),
        ],
    )
    def test_a_mistake_in_a_mapping_is_told_with_its_line(self, project, text, said):
        (project / "params/partners/dunes.maps").mkdir()
        (project / "params/partners/dunes.maps/referrals.yml").write_text(text)
        with pytest.raises((importing.ImportRefused, params.ParamsError), match=said):
            bring(project, "referrals", demo("referrals").head(3))

    def test_nothing_of_ours_at_all_is_refused(self, project):
        """Every name is known, but the hospital is called otherwise in the settings."""
        path = project / "params/partners/dunes.yml"
        path.write_text(path.read_text().replace("name: Dunes Regional Hospital", "name: Dunes Med Ctr\nnetwork: [Oakmont]"))
        said = r"no row of destination_system is ours \(Oakmont, Dunes Med Ctr\).*Oakmont is most like Oakmont University Health"
        with pytest.raises(importing.ImportRefused, match=said):
            bring(project, "referrals", demo("referrals"))
        assert [problem for problem in data.check([params.load("dunes", root=project)]) if "a row of our network" in problem.expected]

    def test_names_whose_rows_stay_are_told(self, project):
        """A clinician from beyond the region is none that may be left out."""
        frame = demo("clinicians")
        frame.loc[frame.index[:3], "zip"] = ["02134", "02134", "98101"]
        result = bring(project, "clinicians", frame)
        assert (result.rows, result.note) == (len(frame), "2 zip not in zips.zip (3 rows stay; the first: 02134)")
        assert len(read(project, "clinicians")) == len(frame)
        warned = [problem for problem in data.check([params.load("dunes", root=project)]) if problem.table == "clinicians"]
        assert [(problem.column, problem.count, problem.severity) for problem in warned] == [("zip", 3, "warning")]


class TestPartnerColumn:
    @pytest.mark.parametrize("kind", ["referral_cases", "gifts"])
    def test_rows_of_another_partner_refuse_the_file(self, project, kind):
        frame = demo(kind).assign(partner="dunes")
        frame.loc[frame.index[:8], "partner"] = "Dunes"
        with pytest.raises(importing.ImportRefused, match=r"its column partner says 'Dunes' \(8 rows\), but all rows .* 'dunes'"):
            bring(project, kind, frame)
        frame["partner"] = "dunes"
        assert bring(project, kind, frame).rows == len(frame)

    def test_a_mapping_may_say_what_stands_for_the_partner(self, project):
        (project / "params/partners/dunes.maps").mkdir()
        (project / "params/partners/dunes.maps/volumes.yml").write_text("columns: {partner: Entity}\nvalues: {partner: {'0042': dunes}}\n")
        frame = demo("volumes").assign(Entity="0042")
        assert bring(project, "volumes", frame).rows == len(frame)
        frame.loc[0, "Entity"] = "0043"
        with pytest.raises(importing.ImportRefused, match=r"its column Entity says '0043' \(1 rows\)"):
            bring(project, "volumes", frame)


class TestMapping:
    def test_columns_constants_parts_of_dates_values_totals_and_sums(self, project):
        (project / "params/partners/dunes.maps").mkdir()
        (project / "params/partners/dunes.maps/volumes.yml").write_text(
            "header: 3\ncolumns:\n  year: year of First contact\n  quarter: quarter of First contact\n  site: ICD group\n  cases_n: Cases\n"
            "values:\n  site: {C50.9: Breast, C50.1: Breast, C34: Lung & bronchus}\nleave_out: {Status: [void]}\nadd_up: true\ndates: day first\n"
        )
        (project / "epic.csv").write_text(
            "Registry,,,\nrun 1 May,,,\nFirst contact,ICD group,Cases,Status\n15/02/2025,C50.9,30,ok\n16/02/2025,C50.1,12,ok\n"
            "17/02/2025,C34,20,ok\n17/05/2025,C34,21,ok\n17/05/2025,C34,99,void\nTotal,,83,\n"
        )
        result = importing.run("volumes", [project / "epic.csv"], root=project, partner="dunes")[0]
        found = read(project, "volumes")[["year", "quarter", "site", "cases_n"]].values.tolist()
        assert found == [[2025, 1, "Breast", 42], [2025, 1, "Lung & bronchus", 20], [2025, 2, "Lung & bronchus", 21]]
        assert result.note == "2 rows of totals, or named by the mapping, are left out"
        assert "Total" in (project / "data/partners/dunes/volumes/epic.rejects.csv").read_text()

    def test_each_row_a_case_is_counted(self, project):
        (project / "params/partners/dunes.maps").mkdir()
        (project / "params/partners/dunes.maps/volumes.yml").write_text(
            "columns: {year: year of dx, quarter: quarter of dx, site: Site}\nconstants: {cases_n: 1}\nadd_up: true\n"
        )
        (project / "cases.csv").write_text("dx,Site\n" + "2025-01-05,Breast\n" * 14 + "2025-04-05,Breast\n")
        importing.run("volumes", [project / "cases.csv"], root=project, partner="dunes")
        assert read(project, "volumes")[["year", "quarter", "cases_n"]].values.tolist() == [[2025, 1, 14], [2025, 2, 1]]


KNOWN = ["Dunes Regional Hospital", "Oakmont University Cancer Center", "Alder Joliet", "Alder Naperville", "Birch La Porte"]


class TestLikeness:
    @pytest.mark.parametrize(
        ("name", "like"),
        [
            ("DUNES REGIONAL HOSPITAL", "Dunes Regional Hospital"),
            ("Dunes Reg. Hosp", "Dunes Regional Hospital"),
            ("The Oakmont Univ Cancer Ctr", "Oakmont University Cancer Center"),
            ("Joliet (Alder)", "Alder Joliet"),
            ("birch-laporte", "Birch La Porte"),
            ("Zzz", ""),
        ],
    )
    def test_the_nearest_name(self, name, like):
        assert likeness.nearest(name, KNOWN) == like

    @given(st.sampled_from(KNOWN), st.integers(0, 30), st.sampled_from(["upper", "lower", "title", "swapcase"]))
    def test_case_and_one_lost_letter_lead_back(self, name, place, case):
        spelled = getattr(name[: place % len(name)] + name[place % len(name) + 1 :], case)()
        assert likeness.nearest(spelled, KNOWN) == name


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["Breast", "breast", "BREAST ", "Lung", "C50", "All other", "Total", "=1+1", "Бр"]), st.integers(0, 99)),
        min_size=1, max_size=12,
    )
)  # fmt: skip
def test_totals_of_the_table_are_those_of_the_file_or_the_difference_is_named(tmp_path_factory, rows):
    """Whatever sites an office writes: the import adds up to the file, or names every row that it does not take."""
    root = tmp_path_factory.mktemp("fuzz")
    (root / "params/partners").mkdir(parents=True)
    shutil.copy(ROOT / "params/portfolio.yml", root / "params")
    shutil.copy(ROOT / "params/partners/dunes.yml", root / "params/partners")
    (root / "data").mkdir()
    shutil.copy(ROOT / "data/catalog.yml", root / "data")
    lines = "".join(f"{2000 + number},1,{site},{count}\n" for number, (site, count) in enumerate(rows))
    (root / "v.csv").write_text("year,quarter,site,cases_n\n" + lines, encoding="utf-8")
    known = {"Breast", "All other"}
    strange = [(site.strip(), count) for site, count in rows if site.strip() not in known]
    try:
        importing.run("volumes", [root / "v.csv"], root=root, partner="dunes")
    except importing.ImportRefused as error:
        assert strange
        told = re.findall(r"\d+ rows?, ([\d,]+) cases", str(error))
        assert sum(int(amount.replace(",", "")) for amount in told) == sum(count for _, count in strange)
        assert all(repr(site) in str(error) for site, _ in strange)
    else:
        assert not strange
        table = data.Tables(params.load("dunes", root=root)).read("volumes")
        assert table["cases_n"].sum() == sum(count for _, count in rows)
