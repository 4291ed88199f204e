"""Settings: YAML as text, merging, validation in words, schema, notebook parameters, a new partner."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catchment import params
from catchment.params import conflicts, schema
from catchment.params.settings import Settings
from catchment.params.text import nearest, read

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    """A copy of the settings that a test may break."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def change(project, file, old, new):
    path = project / "params" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return 1 + text[: text.index(old)].count("\n")


def refused(project, partner="dunes"):
    with pytest.raises(params.ParamsError) as caught:
        params.load(partner, root=project)
    return caught.value.problems


def test_every_partner_of_the_repository_loads_without_a_problem():
    assert params.problems(root=ROOT) == []
    assert [params.load(partner, root=ROOT).id for partner in params.partners(root=ROOT)] == [
        "dunes",
        "northpoint",
        "riverbend",
        "tallgrass",
    ]


def test_identifiers_stay_text_and_numbers_become_numbers(project):
    change(project, "partners/dunes.yml", "zip: 46304", "zip: 02134")
    settings = params.load("dunes", root=project)
    assert settings.zip == "02134"
    assert settings.lat == pytest.approx(41.61, abs=0.01)
    assert settings.as_of == date(2025, 12, 31)
    assert all(isinstance(county, str) and len(county) == 5 for county in settings.region)


def test_a_bare_value_overrides_an_assumption_and_never_keeps_the_portfolios_citation(project):
    path = project / "params/partners/dunes.yml"
    path.write_text(path.read_text() + "market:\n  psa_share: 0.6\n")
    settings = params.load("dunes", root=project)
    row = settings.assumptions("market").set_index("key").loc["market.psa_share"]
    assert row["value"] == 0.6
    assert row["overridden"]
    assert row["file"] == "params/partners/dunes.yml"
    assert row["source"] == "set in params/partners/dunes.yml (portfolio: 0.75)"
    assert (row["confidence"], row["unit"]) == ("local", "share")
    assert "hospital" in row["meaning"]
    assert not settings.assumptions("market").set_index("key").loc["market.tsa_share", "overridden"]


def test_a_partial_mapping_keeps_the_other_keys_of_an_assumption(project):
    path = project / "params/partners/dunes.yml"
    path.write_text(path.read_text() + "market:\n  psa_share: {source: Board decision, confidence: high}\n")
    share = params.load("dunes", root=project).market.psa_share
    assert (share.value, share.source, share.confidence) == (0.75, "Board decision", "high")


def test_an_unknown_key_names_file_line_and_the_nearest_key(project):
    path = project / "params/partners/dunes.yml"
    path.write_text(path.read_text() + "market:\n  psa_shar: 0.6\n")
    (problem,) = refused(project)
    line = path.read_text().splitlines().index("  psa_shar: 0.6") + 1
    assert (problem.file, problem.line, problem.key) == ("params/partners/dunes.yml", line, "market.psa_shar")
    assert str(problem) == f"params/partners/dunes.yml:{line}: market.psa_shar: unknown key (did you mean psa_share?)"


def test_all_problems_of_both_files_are_told_at_once(project):
    first = change(project, "portfolio.yml", "value: 0.75", "value: 75")
    second = change(project, "partners/dunes.yml", "zip: 46304", "zip: 4630")
    change(project, "partners/dunes.yml", "lat: 41.6106\n", "")
    found = {(problem.file, problem.line, problem.key) for problem in refused(project)}
    assert {
        ("params/portfolio.yml", first, "market.psa_share.value"),
        ("params/partners/dunes.yml", second, "zip"),
        ("params/partners/dunes.yml", 1, "lat"),
    } == found


def test_a_key_written_twice_is_refused_on_its_second_line(project):
    path = project / "params/partners/dunes.yml"
    path.write_text(path.read_text() + "zip: 46304\n")
    (problem,) = refused(project)
    assert problem.message.startswith("written twice, first on line")
    assert problem.line == len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: &x Dunes\nplace: *x\n", "anchors and aliases"),
        ("name: !!python/object:os.system x\n", "unexpected tag"),
        ("name: [unclosed\n", "not readable as YAML"),
        ("- a list\n", "expected keys with values"),
        ("? [a, b]\n: 1\n", "a key must be a single word"),
        (
            "a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: {q: {r: {s: {t: {u: {v: 1}}}}}}}}}}}}}}}}}}}}}\n",
            "nested deeper",
        ),
    ],
)
def test_yaml_that_is_no_plain_data_is_refused(tmp_path, text, said):
    path = tmp_path / "x.yml"
    path.write_text(text)
    assert any(said in problem.message for problem in read(path).problems)


def test_a_file_that_is_not_utf8_says_so(tmp_path):
    path = tmp_path / "x.yml"
    path.write_bytes("name: Übung\n".encode("cp1252"))
    assert read(path).problems[0].message == "expected UTF-8 text, found byte 0xdc"


@given(
    st.one_of(
        st.sampled_from(["no", "yes", "02134", "1e3", "1_000", "0x1F", "2025-12-31", ".inf", "off", "1:30"]),
        st.text("abcXYZ0189-.", min_size=1, max_size=12),
    )
)
def test_every_scalar_stays_the_text_that_was_written(value):
    source = read_text(f"key: '{value}'\nbare: {value if value in ('no', '02134', '1e3', '.inf', '1:30') else 'x'}\n")
    assert source.tree["key"] == value
    assert isinstance(source.tree["bare"], str)


def read_text(text):
    class Held:
        name = "held.yml"

        def read_text(self, encoding):
            return text

    return read(Held())


def test_only_an_unquoted_null_or_nothing_means_no_value(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("a: null\nb: ~\nc:\nd: 'null'\ne: ''\nf: none\n")
    assert read(path).tree == {"a": None, "b": None, "c": None, "d": "null", "e": "", "f": "none"}


def test_an_unknown_partner_is_told_with_the_nearest_one(project):
    assert "did you mean dunes?" in str(refused(project, "dune")[0])
    assert "no partner '../portfolio'" in str(refused(project, "../portfolio")[0])


def test_the_project_is_found_from_below_and_by_the_environment(project, monkeypatch):
    below = project / "notebooks" / "deep"
    below.mkdir(parents=True)
    monkeypatch.delenv("CATCHMENT_ROOT", raising=False)
    monkeypatch.chdir(below)
    assert params.root() == project.resolve()
    monkeypatch.setenv("CATCHMENT_ROOT", str(below))
    with pytest.raises(params.ParamsError, match=r"portfolio\.yml"):
        params.root()


def test_values_that_do_not_go_together_are_told_at_their_line(project, monkeypatch):
    def market(settings):
        if settings.market.psa_share.value > settings.market.tsa_share.value:
            yield params.Conflict(("psa_share", "value"), "above tsa_share", f"{settings.name} needs a smaller one")

    monkeypatch.setitem(conflicts.RULES, "market", market)
    path = project / "params/partners/dunes.yml"
    text = path.read_text()
    path.write_text(text + ("" if "\nmarket:" in text else "market:\n") + "  psa_share: 0.95\n")
    (problem,) = refused(project)
    assert (problem.file, problem.line, problem.key) == (
        "params/partners/dunes.yml",
        len(path.read_text().splitlines()),
        "market.psa_share.value",
    )
    assert str(problem).endswith("above tsa_share (Dunes Regional Hospital needs a smaller one)")


def test_a_missing_portfolio_value_points_at_its_section(project):
    line = change(project, "portfolio.yml", "  horizon_years: 10\n", "")
    problem = next(problem for problem in refused(project) if problem.key == "demand.horizon_years")
    assert problem.message == "missing"
    assert problem.line < line


def test_an_edited_portfolio_is_read_anew_and_a_missing_one_is_told(project):
    assert params.load("dunes", root=project).demand.horizon_years == 10
    change(project, "portfolio.yml", "horizon_years: 10", "horizon_years: 12")
    assert params.load("dunes", root=project).demand.horizon_years == 12
    (project / "params/portfolio.yml").unlink()
    assert "params/portfolio.yml:1: file not found" in map(str, refused(project))


def test_the_name_of_the_file_is_the_id(project):
    path = project / "params/partners/dunes.yml"
    path.write_text(path.read_text() + "id: other\n")
    assert refused(project)[0].key == "id"


def test_every_key_of_the_portfolio_has_a_comment_above_it():
    lines = (ROOT / "params/portfolio.yml").read_text().splitlines()
    entries = {"value", "unit", "source", "date", "confidence"}
    bare = []
    for number, line in enumerate(lines):
        key = re.match(r"( {0,2})(\w+):", line)
        section = key and not key[1] and key[2] in Settings.model_fields and number + 1 < len(lines) and lines[number + 1].startswith("  ")
        if key and key[2] not in entries and not section and not lines[number - 1].strip().startswith("#"):
            bare.append(f"{number + 1}: {line}")
    assert bare == []


def test_every_field_has_a_meaning():
    seen = set()

    def walk(model):
        if model in seen:
            return
        seen.add(model)
        for name, field in model.model_fields.items():
            kinds = [
                kind
                for kind in (field.annotation, *getattr(field.annotation, "__args__", ()))
                if isinstance(kind, type) and issubclass(kind, params.Section)
            ]
            assert field.description or kinds, f"{model.__name__}.{name}"
            for kind in kinds:
                walk(kind)

    walk(Settings)


def test_the_schema_in_the_repository_is_current():
    assert (ROOT / "params/schema.json").read_text() == schema.text(), "run: python -m catchment.params.schema"


def test_the_schema_accepts_a_bare_override_and_closes_every_mapping():
    tree = schema.schema()
    share = next(definition for name, definition in tree["$defs"].items() if name.startswith("Assumption"))
    assert any(option.get("additionalProperties") is False for option in share["anyOf"])
    assert "number" in json.dumps(share["anyOf"][1])
    assert tree["additionalProperties"] is False
    assert "required" not in tree
    assert tree["properties"]["name"]["description"]


@pytest.mark.parametrize("file", ["portfolio.yml", "partners/dunes.yml"])
def test_an_editor_finds_the_schema(file):
    path = ROOT / "params" / file
    named = re.match(r"# yaml-language-server: \$schema=(\S+)", path.read_text())
    assert (path.parent / named[1]).resolve() == (ROOT / "params/schema.json")


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("02138", "str", "02138"),
        ("no", "str", "no"),
        ("no", "bool", False),
        ("5", "int", 5),
        (np.int64(5), "int", 5),
        (np.float32(0.5), "float", 0.5),
        (np.bool_(True), "bool", True),
        (5, "float", 5.0),
        ("1e3", "float", 1000.0),
        (["1", "2"], "list[int]", [1, 2]),
        (["02138"], "list[str]", ["02138"]),
        (None, "int | None", None),
        ("3", "int | None", 3),
        ("2025-01-02", "date", date(2025, 1, 2)),
        ({"a": "1"}, "dict[str, int]", {"a": 1}),
        ("b", 'Literal["a", "b"]', "b"),
        (date(2025, 1, 2), "date | None", date(2025, 1, 2)),
    ],
)
def test_a_notebook_parameter_takes_its_declared_type(value, annotation, expected):
    converted = params.convert(value, annotation)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (5, "str"),
        (True, "int"),
        (True, "int | None"),
        ([True], "list[int]"),
        ("5.5", "int"),
        (1.0, "int"),
        (1, "bool"),
        ("nan", "float"),
        ("inf", "float"),
        ("20250102", "date"),
        ("c", 'Literal["a"]'),
        (None, "int"),
        ([5], "list[str]"),
        (float("nan"), "float"),
    ],
)
def test_a_mistyped_notebook_parameter_names_file_line_and_key(value, annotation):
    with pytest.raises(params.ParamsError) as caught:
        params.convert(value, annotation, file="params/partners/dunes.yml", line=7, key="notebooks.x.y")
    assert str(caught.value).startswith("params/partners/dunes.yml:7: notebooks.x.y: expected ")


@pytest.mark.parametrize("annotation", ["__import__('os')", "Path", "list[", "int(5)", ""])
def test_an_annotation_is_read_and_never_run(annotation):
    with pytest.raises(params.ParamsError, match="unknown type"):
        params.convert("x", annotation)


def test_a_new_partner_asks_for_what_only_it_can_answer_and_loads_once_filled(project):
    path = params.new_partner("lakeside", root=project, name='Lake "Side": #1', zip="02134", market_counties=["17031"])
    text = path.read_text()
    assert '# ZIP code of the hospital.\nzip: "02134"' in text
    missing = {problem.key for problem in refused(project, "lakeside")}
    assert {"place", "ccn", "lat", "lon", "county_fips"} == missing
    for key, value in {"place": "X", "ccn": "14X999", "lat": "41", "lon": "-87", "county_fips": "17031"}.items():
        text = text.replace(f"{key}:\n", f"{key}: {value}\n")
    path.write_text(text)
    settings = params.load("lakeside", root=project)
    assert (settings.name, settings.zip, settings.market_counties) == ('Lake "Side": #1', "02134", ["17031"])


@pytest.mark.parametrize("partner", ["../evil", "a/b", "", "Caps", ".hidden", "a" * 99, "dunes", "x\n"])
def test_a_new_partner_cannot_leave_its_folder_or_replace_another(project, partner):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    with pytest.raises(params.ParamsError):
        params.new_partner(partner, root=project)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_the_nearest_word_ignores_case_and_stays_silent_when_nothing_is_near():
    assert nearest("ZIP_code", ["zip_code", "county"]) == "did you mean zip_code?"
    assert nearest("q", [f"name{number}" for number in range(20)]) == ""
