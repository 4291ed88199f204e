"""Layouts are data: a new kind of file is one YAML file, and what is wrong in it is told with its line."""

import pytest
from test_importers import SETTINGS, command, project  # noqa: F401 - a fixture

from catchment import data
from catchment.data import importing
from catchment.data.importing import layout_files
from catchment.params import ParamsError

LAYOUT = """title: Infusions by clinic and month
producer: the infusion center
key: [clinic, month]
year: ''
period: month
suppress_below: 11
suppressed: ['<11']
columns:
  clinic: {names: [Clinic, Site of care], is: "regexp_replace(clinic, ' #\\\\d+$', '')", meaning: clinic without its number}
  month: {type: date, names: [Month], meaning: first day of the month}
  hours: {type: number, names: [Chair hours], min: 0, kept: false}
  visits_n: {type: integer, names: [Visits], min: 0, unit: visits, meaning: visits}
  visit_hours: {type: number, nullable: true, is: 'round(hours / visits_n, 2)', unit: hours, meaning: hours a visit}
refuse:
  - {rows: hours > 24 * visits_n, expected: no more than a day a visit}
keep: clinic <> 'Closed'
"""
FILE = "Chair hours,Site of care,Month,Visits\n88,North #2,2025-01,40\n12,South,01/01/2025,<11\n9,Closed,2025-01,3\n"


@pytest.fixture
def layout(project):  # noqa: F811
    folder = project / "data/layouts"
    folder.mkdir()
    (folder / "infusions.yml").write_text(LAYOUT)
    (project / "clinic export.csv").write_text(FILE)
    return folder / "infusions.yml"


def test_a_new_layout_needs_no_python(project, layout):  # noqa: F811
    importing.run("infusions", [project / "clinic export.csv"], root=project)
    frame = data.Tables(SETTINGS, root=project).read("infusions")
    assert list(frame) == ["clinic", "month", "visits_n", "visits_n_suppressed", "visit_hours"]
    assert frame["clinic"].tolist() == ["North", "South"]
    assert frame["visits_n"].fillna(-1).tolist() == [40, -1]
    assert frame["visits_n_suppressed"].tolist() == [False, True]
    assert frame["visit_hours"].fillna(-1).tolist() == [2.2, -1]
    entry = data.catalog.tables(project)["infusions"]
    assert (entry.title, entry.edition, entry.suppress_below) == ("Infusions by clinic and month", "2025-01-01", 11)


def test_its_rules_reject_rows(project, layout):  # noqa: F811
    (project / "many.csv").write_text(FILE + "".join(f"8,C{n},2025-01,4\n" for n in range(200)) + "100,Far,2025-02,4\n")
    result = importing.run("infusions", [project / "many.csv"], root=project)[0]
    assert (result.rows, result.rejected) == (202, 1)
    assert "no more than a day a visit" in (project / "data/imported/infusions/many.rejects.csv").read_text()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("meaning: visits", "meanning: visits", r"layouts/infusions.yml:12: .*did you mean meaning\?"),
        ("type: integer", "type: integr", "infusions.yml:12: columns.visits_n.type: expected"),
        ("title: Infusions", "titel: Infusions", "infusions.yml:1: .*title"),
        ("  month: {type: date, names: [Month], meaning: first day of the month}", "  month:", "nothing is said of this column"),
    ],
)
def test_a_mistake_in_a_layout_names_its_line(project, layout, old, new, said):  # noqa: F811
    layout.write_text(LAYOUT.replace(old, new))
    with pytest.raises(ParamsError, match=said):
        importing.kinds(project)


def test_an_expression_that_does_not_fit_is_refused_and_reaches_no_file(project, layout):  # noqa: F811
    for wrong in ("round(hors / visits_n, 2)", "(SELECT count(*) FROM read_csv('/etc/passwd'))"):
        layout.write_text(LAYOUT.replace("round(hours / visits_n, 2)", wrong.replace("'", "''")))
        with pytest.raises(importing.ImportRefused, match="the layout's expressions do not fit the file"):
            importing.run("infusions", [project / "clinic export.csv"], root=project)


def test_the_command_knows_the_projects_own_layouts(project, layout, monkeypatch, capsys):  # noqa: F811
    (project / "params").mkdir()
    (project / "params/portfolio.yml").write_text("")
    monkeypatch.setenv("CATCHMENT_ROOT", str(project))
    assert command() == 0
    assert "Infusions by clinic and month" in capsys.readouterr().out
    assert command("infusions", str(project / "clinic export.csv")) == 0
    layout.write_text(LAYOUT.replace("key:", "keys:"))
    assert command("infusions", str(project / "clinic export.csv")) == 1
    assert "layouts/infusions.yml:3: keys: unknown key" in capsys.readouterr().err


def test_every_layout_of_the_library_says_what_its_columns_mean():
    for kind, layout in layout_files.known(layout_files.FOLDER).items():
        assert layout.title and layout.producer, kind
        assert set(layout.key) <= layout.table.keys() | {"year"}, kind
        assert not [name for name, column in layout.table.items() if len(column.meaning) < 3], kind
