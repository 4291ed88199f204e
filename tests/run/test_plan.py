"""Planning: what there is to build, its parameters, and the library modules it depends on."""

import json

import pytest

from catchment import params
from catchment.run import library, plan
from catchment.run.plan import Page


def test_pages_are_partners_by_notebooks_in_order(project):
    project.only("dunes", "tallgrass")
    project.notebook("01_late", "1", order=2)
    project.notebook("02_early", "1", order=1)
    assert plan.pages(project.root) == [
        Page("dunes", "02_early"),
        Page("dunes", "01_late"),
        Page("tallgrass", "02_early"),
        Page("tallgrass", "01_late"),
    ]
    assert plan.pages(project.root, partners=["tallgrass"], names=["01_late.ipynb"]) == [Page("tallgrass", "01_late")]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"partners": ["dune"]}, "no partner 'dune' (did you mean 'dunes'?)"),
        ({"names": ["one"]}, "no notebook 'one' (did you mean '01_one'?)"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest_name(project, asked, told):
    project.notebook("01_one", "1")
    with pytest.raises(plan.PlanError) as caught:
        plan.pages(project.root, **asked)
    assert told in str(caught.value)


def test_needed_notebooks_come_first_and_must_exist(project):
    project.notebook("01_brief", "1", order=1, needs=["02_part"])
    project.notebook("02_part", "1", order=2)
    assert list(plan.notebooks(project.root)) == ["02_part", "01_brief"]
    project.notebook("03_other", "1", needs=["02_prt"])
    with pytest.raises(plan.PlanError, match=r"03_other.ipynb: needs '02_prt'.*did you mean '02_part'"):
        plan.notebooks(project.root)


def test_a_circle_of_needs_is_refused(project):
    project.notebook("01_one", "1", needs=["02_two"])
    project.notebook("02_two", "1", needs=["01_one"])
    with pytest.raises(plan.PlanError, match="in a circle: 01_one, 02_two"):
        plan.notebooks(project.root)


def test_a_file_that_is_no_notebook_is_named(project):
    (project.root / "notebooks" / "01_broken.ipynb").write_text("{")
    with pytest.raises(plan.PlanError, match=r"notebooks/01_broken\.ipynb: not a notebook"):
        plan.notebooks(project.root)


def test_internal_readers_get_pages_of_their_own_beside_those_for_leadership(project):
    project.only("dunes", "tallgrass")
    project.notebook("01_plain", "1")
    project.notebook("02_both", "1", audience="both")
    project.notebook("03_list", "1", audience="internal")
    own = project.root / "params" / "partners" / "dunes.yml"
    own.write_text(own.read_text() + "\naudience: internal\n")
    dunes = [
        Page("dunes", "01_plain"),
        Page("dunes", "02_both"),
        Page("dunes", "02_both", "internal"),
        Page("dunes", "03_list", "internal"),
    ]
    assert plan.pages(project.root) == [*dunes, Page("tallgrass", "01_plain"), Page("tallgrass", "02_both")]
    assert plan.pages(project.root, names=["03_list"]) == [dunes[-1]]
    assert str(dunes[-1]) == "dunes/03_list@internal"
    with pytest.raises(params.ParamsError, match=r"audience: 03_list is for internal readers only"):
        plan.pages(project.root, partners=["tallgrass"], names=["03_list"])


def test_a_page_for_leadership_may_not_need_one_that_names_people(project):
    project.notebook("01_brief", "1", needs=["02_list"])
    project.notebook("02_list", "1", audience="internal")
    with pytest.raises(plan.PlanError, match=r"01_brief\.ipynb: has a page for leadership and needs '02_list'"):
        plan.notebooks(project.root)


def test_an_unknown_audience_is_refused(project):
    project.notebook("01_one", "1", audience="intern")
    with pytest.raises(plan.PlanError, match=r"audience 'intern' \(did you mean 'internal'\?\)"):
        plan.notebooks(project.root)


TYPED = '\nzip_code: str = "60601"  # a ZIP\nyears: int = 3  # years\nrate: float = 0.5  # a rate\ndraw: bool = True  # whether\nsites: list[str] = []  # sites'


@pytest.fixture
def typed(project):
    """A notebook with parameters of several types, and one partner whose values a test gives."""
    import nbformat

    project.only("dunes")
    path = project.notebook("01_typed", "1")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += TYPED
    nbformat.write(notebook, path)
    own = project.root / "params" / "partners" / "dunes.yml"
    text = own.read_text()

    def values(yaml):
        own.write_text(f"{text}\nnotebooks:\n  01_typed: {{{yaml}}}\n")
        return plan.parameters(project.root, [Page("dunes", "01_typed")])[Page("dunes", "01_typed")]

    return values


def test_parameters_keep_the_type_that_the_notebook_declares(typed):
    assert typed("zip_code: 02138, years: 5, rate: 1, draw: no, sites: [no, 01]") == {
        "partner": "dunes", "zip_code": "02138", "years": 5, "rate": 1.0, "draw": False, "sites": ["no", "01"],
    }  # fmt: skip
    assert typed("zip_code: no")["zip_code"] == "no"


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("yeers: 5", "no parameter 'yeers' (did you mean 'years'?)"),
        ("years: five", "expected int"),
        ("draw: perhaps", "expected bool"),
        ("partner: other", "no parameter 'partner'"),
    ],
)
def test_wrong_parameters_are_refused_with_file_and_line(typed, yaml, told):
    with pytest.raises(params.ParamsError) as caught:
        typed(yaml)
    assert told in str(caught.value)
    assert str(caught.value).startswith("params/partners/dunes.yml:")
    assert "notebooks.01_typed" in str(caught.value)


def test_problems_of_all_partners_come_at_once_and_before_anything_is_built(project):
    project.only("dunes", "tallgrass")
    project.notebook("01_one", "1")
    for partner in ("dunes", "tallgrass"):
        path = project.root / "params" / "partners" / f"{partner}.yml"
        path.write_text(path.read_text() + "\nnotebooks: {01_one: {nothing: 1}}\n")
    done = project.run()
    assert done.returncode == 2
    assert "params/partners/dunes.yml" in done.stderr and "params/partners/tallgrass.yml" in done.stderr
    assert not (project.reports / "index.html").exists()


def test_values_for_a_notebook_that_does_not_exist_are_refused(project):
    project.only("dunes")
    project.notebook("01_one", "1")
    path = project.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nnotebooks: {01_on: {a: 1}}\n")
    with pytest.raises(params.ParamsError, match=r"no notebook '01_on' \(did you mean '01_one'\?\)"):
        plan.parameters(project.root, plan.pages(project.root))


@pytest.mark.parametrize(
    ("cell", "told"), [("x: int = 1", "partner: no such parameter"), ('partner = "dunes"', "partner: the parameter declares no type")]
)
def test_a_parameters_cell_without_partner_or_types_is_refused(project, cell, told):
    import nbformat

    project.only("dunes")
    path = project.notebook("01_one", "1")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = cell
    nbformat.write(notebook, path)
    with pytest.raises(params.ParamsError, match=told):
        plan.parameters(project.root, plan.pages(project.root))


def test_imports_of_a_notebook_skip_what_is_not_python(project):
    project.notebook(
        "01_one",
        "import pandas as pd\nfrom catchment.stats import rates",
        "%matplotlib inline",
        "from catchment import page",
        "#!import nothing",
    )
    assert plan.imports(plan.notebooks(project.root)["01_one"]) == [
        "pandas",
        "catchment.stats",
        "catchment.stats.rates",
        "catchment",
        "catchment.page",
    ]


# The modules behind a notebook.


@pytest.fixture
def package(tmp_path):
    files = {
        "__init__.py": "", "words.py": "", "unused.py": "",
        "params/__init__.py": "", "run/__init__.py": "", "run/build/__init__.py": "", "run/build/job.py": "import os", "run/build/engine.py": "",
        "page/__init__.py": "from . import blocks", "page/blocks.py": "from ..words import count", "page/template/page.j2": "x",
        "stats/__init__.py": "", "stats/one.py": "from . import two\nimport numpy", "stats/two.py": "from ..lazy import thing", "stats/three.py": "",
        "lazy/__init__.py": "def __getattr__(name): ...", "lazy/inner.py": "import catchment.unasked.deep", "unasked/__init__.py": "", "unasked/deep.py": "",
        "told/__init__.py": "_HOME = {'thing': 'one'}\ndef __getattr__(name): ...", "told/one.py": "", "told/two.py": "",
        "stats/four.py": "from ..told import thing", "stats/five.py": "from .. import told",
    }  # fmt: skip
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


PAGE = ["page/template/page.j2", "run/build/engine.py", "run/build/job.py"]  # of every page


def test_modules_are_followed_through_relative_lazy_and_nested_imports(package):
    found = library.modules(["pandas", "catchment.stats.one"], folder=package)
    assert list(found) == sorted([
        "__init__.py", "stats/__init__.py", "stats/one.py", "stats/two.py", "lazy/__init__.py", "lazy/inner.py", "params/__init__.py",
        "unasked/__init__.py", "unasked/deep.py", *PAGE,
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("root", "inner"),
    [
        ("catchment.stats.four", ["one"]),
        ("catchment.stats.five", ["one", "two"]),
        ("catchment.told", []),
        ("catchment.told.thing", ["one"]),
    ],
)
def test_a_lazy_package_leads_to_what_answers(package, root, inner):
    """A page's process notes what a package that it asks itself has answered with; of a module only its source is known."""
    found = [name for name in library.modules([root], folder=package) if name.startswith("told/")]
    assert found == ["told/__init__.py", *(f"told/{name}.py" for name in inner)]


def test_only_a_module_that_is_imported_counts(package):
    before = library.modules(["catchment.page.blocks"], folder=package)
    (package / "stats" / "three.py").write_text("changed")
    (package / "unused.py").write_text("changed = 1")
    assert library.modules(["catchment.page.blocks"], folder=package) == before
    (package / "words.py").write_text("changed = 1")
    now = library.modules(["catchment.page.blocks"], folder=package)
    assert [name for name in now if now[name] != before[name]] == ["words.py"]


def test_the_real_library_of_a_notebook():
    found = library.modules(["catchment.market.shares", "catchment.page.report"])
    assert {"market/shares.py", "page/report.py", "page/theme.py", "params/settings.py", "data/reads.py", "labels.yml"} <= set(found)
    assert not [
        name for name in found if name.startswith(("data/importing", "run/site", "philanthropy")) or name in ("run/runner.py", "cli.py")
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            {},
            r"has no entry `catchment`, so it cannot be a report\. Add \"catchment\": \{\"title\": \"Odd one\", \"order\": 8, \"needs\": \[\]\}",
        ),
        ({"catchment": {"title": "Odd"}}, r"entry `catchment` has no order, so"),
    ],
)
def test_a_notebook_without_our_metadata_says_what_is_missing_and_how_to_add_it(project, entry, told):
    path = project.notebook("09_odd_one", "1")
    book = json.loads(path.read_text())
    del book["metadata"]["catchment"]
    path.write_text(json.dumps(book | {"metadata": book["metadata"] | entry}))
    with pytest.raises(plan.PlanError, match=rf"^notebooks/09_odd_one\.ipynb: its metadata.*{told}.*notebooks/sandbox/$"):
        plan.pages(project.root)
