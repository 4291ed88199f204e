"""A partner's own files: they change this partner's tables only, are real, and every row of them is the partner's."""

import shutil
from pathlib import Path

import pytest

from catchment import data, params
from catchment.data import importing, isolation

ROOT = Path(__file__).parents[2]
GIFTS = "gift_id,donor_id,gift_date,gift_type,amount_usd,program\nG1,D1,2024-01-05,outright,100,\nG2,D1,2024-03-05,outright,50,\n"
CATALOG = """tables:
  gifts:
    title: Gift ledger (simulated)
    path: demo/gifts_{partner}.csv
    producer: made up
    edition: "2020"
    published: "2020"
    simulated: true
    optional: true
    scope: partner
    key: [partner, gift_id]
    period: gift_date
    note: Names are invented.
    columns:
      partner: {type: text, meaning: partner id}
      gift_id: {type: text, meaning: gift}
      gift_date: {type: date, meaning: day}
      gift_type: {type: category, values: [outright, pledge], meaning: type}
      amount_usd: {type: number, meaning: amount}
  centers:
    title: Cancer centers (simulated)
    path: demo/centers.csv
    producer: made up
    edition: "2020"
    simulated: true
    key: [center]
    columns:
      center: {type: text, meaning: cancer center}
"""


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data/demo").mkdir(parents=True)
    (tmp_path / "data/catalog.yml").write_text(CATALOG)
    (tmp_path / "data/demo/centers.csv").write_text("center\nInvented\n")
    for partner in ("dunes", "tallgrass"):
        (tmp_path / f"data/demo/gifts_{partner}.csv").write_text(
            f"partner,gift_id,gift_date,gift_type,amount_usd\n{partner},S1,2020-05-01,outright,7\n"
        )
    return tmp_path


def tables(project, partner="dunes"):
    return data.Tables(params.load(partner, root=project))


def own(project, name, text, partner="dunes"):
    path = project / f"data/partners/{partner}/{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def bring(project, partner="dunes", content=GIFTS):
    (project / "ledger.csv").write_text(content)
    return importing.run("gift_template", [project / "ledger.csv"], root=project, name="gifts", partner=partner)[0]


class TestOnePartnerOnly:
    def test_an_import_leaves_every_other_partners_table_as_it_was(self, project):
        before = tables(project, "tallgrass").read("gifts"), data.entry_digest("gifts", project, "tallgrass")
        bring(project)
        assert tables(project).read("gifts")["gift_id"].tolist() == ["G1", "G2"]
        other = tables(project, "tallgrass")
        assert other.read("gifts")["gift_id"].tolist() == before[0]["gift_id"].tolist() == ["S1"]
        assert data.entry_digest("gifts", project, "tallgrass") == before[1]

    def test_origin_edition_and_what_is_simulated_are_this_partners(self, project):
        bring(project)
        mine, others = tables(project).origin("gifts"), tables(project, "tallgrass").origin("gifts")
        assert (mine.simulated, mine.period) == (False, "2024-01-05 to 2024-03-05")
        assert (others.simulated, others.period) == (True, "2020")

    def test_what_is_taken_away_is_simulated_again_for_this_partner(self, project):
        bring(project)
        bring(project, "tallgrass", GIFTS.replace("G1", "T1"))
        importing.remove("gift_template", "ledger.csv", root=project, name="gifts", partner="dunes")
        assert tables(project).origin("gifts").simulated
        assert tables(project, "tallgrass").read("gifts")["gift_id"].tolist() == ["T1", "G2"]

    def test_everything_of_a_partner_lies_in_its_folder(self, project):
        bring(project)
        shutil.rmtree(project / "data/partners/dunes")
        assert tables(project).read("gifts")["gift_id"].tolist() == ["S1"]
        assert data.catalog.imports(project) == {}

    def test_nothing_is_simulated_for_a_partner_who_has_none_of_it(self, project):
        (project / "data/demo/gifts_dunes.csv").unlink()
        origin = tables(project).origin("gifts")
        assert (origin.simulated, origin.title) == (False, "Gift ledger")


class TestFilesOfItsOwn:
    """data/partners/<id>/<table>.csv is read in place of a simulated table, without an import."""

    FILE = "gift_id,gift_date,gift_type,amount_usd\nG7,2024-02-01,outright,5\nG8,2024-09-30,pledge,6\n"

    def test_it_is_read_is_real_and_needs_no_partner_column(self, project):
        own(project, "gifts.csv", self.FILE)
        reader = tables(project)
        assert reader.read("gifts")[["partner", "gift_id", "amount_usd"]].values.tolist() == [["dunes", "G7", 5.0], ["dunes", "G8", 6.0]]
        origin = reader.origin("gifts")
        assert (origin.simulated, origin.title, origin.period, origin.note) == (False, "Gift ledger", "2024-02-01 to 2024-09-30", "")
        assert tables(project, "tallgrass").read("gifts")["gift_id"].tolist() == ["S1"]

    def test_a_shared_table_too_can_be_a_partners_own(self, project):
        own(project, "centers.csv", "center\nReal Center\n")
        assert tables(project).read("centers")["center"].tolist() == ["Real Center"]
        assert tables(project, "tallgrass").read("centers")["center"].tolist() == ["Invented"]

    def test_it_keeps_the_rules_of_the_simulated_table(self, project):
        own(project, "gifts.csv", self.FILE.replace("pledge", "Pledge"))
        with pytest.raises(data.DataError, match=r"gifts\.csv, row 3, column gift_type: expected one of outright, pledge, found 'Pledge'"):
            tables(project).read("gifts")

    def test_a_real_table_has_no_own_one_and_an_unread_file_is_told(self, project):
        path = project / "data/catalog.yml"
        path.write_text(
            path.read_text().replace("demo/centers.csv", "public.csv").replace("simulated: true\n    key: [center]", "key: [center]")
        )
        (project / "data/public.csv").write_text("center\nPublished\n")
        own(project, "centers.csv", "center\nReal Center\n")
        own(project, "ledger 2025.xlsx", "x")
        assert tables(project).read("centers")["center"].tolist() == ["Published"]
        told = [str(problem) for problem in data.check([params.load("dunes", root=project)])]
        assert [line.split(": ")[1] for line in told if "a file that a table reads" in line] == [
            "data/partners/dunes/centers.csv",
            "data/partners/dunes/ledger 2025.xlsx",
        ]

    def test_no_other_partner_can_open_it(self, project):
        walls = isolation.walls(project)
        inside = str((project / "data/partners/tallgrass/gifts/ledger.parquet").resolve())
        assert any(wall.fullmatch(inside) for wall in walls.values())
        own(project, "gifts.csv", self.FILE, "tallgrass")
        assert not any("tallgrass" in str(path) for path in isolation.readable(project, "dunes"))


class TestEveryRowIsThePartners:
    def test_a_row_of_another_partner_is_told_and_not_left_out(self, project):
        path = project / "data/demo/gifts_dunes.csv"
        path.write_text("partner,gift_id,gift_date,gift_type,amount_usd\ndunes,A,2020-05-01,outright,7\nDunes,B,2020-05-01,outright,7\n")
        for ask in (lambda: tables(project).read("gifts"), lambda: tables(project).read("gifts", ["amount_usd"])):
            with pytest.raises(data.DataError, match=r"gifts_dunes\.csv, row 3, column partner: expected 'dunes', .*found 'Dunes'"):
                ask()

    @pytest.mark.parametrize("said", ["", "tallgrass"])
    def test_an_empty_or_foreign_cell_too(self, project, said):
        path = project / "data/demo/gifts_dunes.csv"
        path.write_text(f"partner,gift_id,gift_date,gift_type,amount_usd\n{said},A,2020-05-01,outright,7\n")
        with pytest.raises(data.DataError, match="column partner"):
            tables(project).read("gifts")
