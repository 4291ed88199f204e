"""The market notebook's own cells find what the simulated flows hide, for each partner; its sentences are right."""

import ast
import re
import shutil
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks/01_market_analysis.ipynb"
FOUND: dict[str, dict] = {}


def analyzed(partner: str) -> dict:
    """Names that the notebook's analysis cells define, those that show something left out."""
    if partner not in FOUND:
        names: dict = {}
        for cell in nbformat.read(NOTEBOOK, 4).cells:
            if cell.cell_type == "code":
                tree = ast.parse(cell.source)
                kept = [node for node in tree.body if not isinstance(node, ast.Expr)]
                exec(compile(ast.Module(kept, []), cell.id, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    names["partner"] = partner
        FOUND[partner] = names
    return FOUND[partner]


def shown(partner: str) -> tuple[dict, str]:
    """Names that the whole notebook defines for a partner, and the HTML of all that it shows."""
    names, blocks = {}, []
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        if cell.cell_type == "code":
            *body, last = ast.parse(cell.source).body
            exec(compile(ast.Module(body if isinstance(last, ast.Expr) else [*body, last], []), cell.id, "exec"), names)
            if isinstance(last, ast.Expr):
                blocks.append(eval(compile(ast.Expression(last.value), cell.id, "eval"), names).html)
            if "parameters" in cell.metadata.get("tags", []):
                names["partner"] = partner
    return names, " ".join(blocks)


@pytest.fixture(scope="module")
def truth():
    import sys

    sys.path.insert(0, str(ROOT / "data/demo"))
    try:
        from simulation import flows
    finally:
        sys.path.pop(0)
    return flows.TRUTH


def test_the_notebook_is_small_and_calls_only():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    lines = [[line for line in cell.source.splitlines() if line.strip()] for cell in cells]
    assert max(map(len, lines)) <= 8
    assert max(len(line) for cell in lines for line in cell) <= 120
    assert not any(cell.outputs for cell in cells)


def test_the_model_recovers_the_planted_exponents(truth):
    terms = analyzed("tallgrass")["found"].model.terms.set_index("term")["value"]
    assert terms["distance"] == pytest.approx(truth["distance_exponent"], abs=0.1)
    assert terms["distance"] + terms["distance, wide"] == pytest.approx(truth["academic_distance_exponent"], abs=0.15)


def test_tallgrass_loses_its_planted_zips_to_the_planted_system(truth):
    names = analyzed("tallgrass")
    planted, ranked = truth["tallgrass"], names["found"].ranked
    called = set(ranked.loc[ranked["verdict"] == "under", "zip"])
    assert called and called <= set(planted["zips"])
    assert set(ranked["zip"].head(2)) <= set(planted["zips"])
    assert names["short"].loc[names["short"]["gained_points"].idxmax(), "system"] == planted["loses_to"]
    text = names["findings"].white_space(ranked, names["short"], names["system"], below=11, false_discovery=0.05).text
    assert "Yorkville" in text and planted["loses_to"] in text


def test_northpoint_gains_share_in_a_shrinking_market():
    names = analyzed("northpoint")
    assert names["served"].mine["gained_points_low"] > 0
    terms = names["served"].terms[["growth", "gain"]].sum()
    assert terms["growth"] < 0 < terms["gain"]
    assert "rose" in names["findings"].winning(names["served"], names["system"], since=names["first"], below=11).text


def test_dunes_residents_leave_for_tertiary_centers_more_each_year(truth):
    names = analyzed("dunes")
    away = names["served"].keep[names["served"].keep["kind"] == "Tertiary"].sort_values("year")["share"]
    assert (away.diff().dropna() > 0).all() and away.iloc[-1] > 1.3 * away.iloc[0]
    assert "Tertiary centers grew" in names["findings"].winning(names["served"], names["system"], since=names["first"], below=11).text
    home = names["flows"][names["flows"]["county_fips"].isin(truth["dunes"]["county_fips"])]
    states = home.assign(system=home["ccn"].map(names["hospitals"].set_index("ccn")["state"]))
    moved = names["shares"].gains(names["shares"].share_by_year(states)).set_index("system")
    assert moved.loc["IL", "gained_points_low"] > 0


def test_riverbend_is_mostly_suppressed_and_says_so(truth):
    names = analyzed("riverbend")
    assert names["area"].origin["cases_n"].isna().mean() >= truth["riverbend"]["suppressed_share_at_least"]
    assert names["area"].note and "fewer than 11" in names["findings"].origin(names["area"], names["system"], below=11).text


def test_every_exhibit_has_a_key_of_its_own_and_every_title_number_a_claim():
    names = analyzed("riverbend")
    made = [value for value in names.values() if isinstance(value, names["exhibits"].wording.Exhibit)]
    assert len(made) >= 16 and len({each.key for each in made}) == len(made)
    assert all(each.claims for each in made if any(letter.isdigit() for letter in re.sub(r"\b(19|20)\d\d\b", "", each.title)))


def shown_with(monkeypatch, partner: str, change) -> tuple[dict, str]:
    """Names and text of the notebook when `change(name, frame, settings)` alters each table that it reads."""
    from catchment import data

    read = data.Tables.read
    monkeypatch.setattr(
        data.Tables, "read", lambda self, name, *args, **options: change(name, read(self, name, *args, **options), self.settings)
    )
    names, text = shown(partner)
    assert ">nan" not in text and "None" not in text and " inf" not in text
    return names, text


def test_a_partner_whose_every_flow_is_suppressed_still_gets_a_page(monkeypatch):
    def hidden(name, frame, settings):
        if name == "hospital_flows":
            frame.loc[frame["ccn"] == settings.ccn, ["cases_n", "cases_n_suppressed"]] = [float("nan"), True]
        return frame

    names, text = shown_with(monkeypatch, "riverbend", hidden)
    assert "patients come from cannot be said" in text and "Shares by ZIP cannot be shown" in text
    mine = names["served"].mine
    assert names["area"].rule == "Home county" and mine["bound_low"] < mine["bound_high"]


def test_one_hospital_and_no_county_rates_still_give_a_page_that_says_so(monkeypatch):
    def alone(name, frame, settings):
        if name == "hospital_flows":
            return frame[frame["ccn"] == settings.ccn]
        if name == "incidence":
            return frame[frame["county_fips"] == "00000"]
        return frame.iloc[:0] if name in ("volumes", "mortality") else frame

    names, text = shown_with(monkeypatch, "riverbend", alone)
    assert "No market county publishes both deaths and cases" in text
    assert "The burden cannot be judged" in text and "Clustering cannot be judged" in text and "Not calibrated" in text
    assert names["served"].hhi["hhi"].tolist() == [10_000] * len(names["served"].hhi)
    assert text.count("Nothing to draw") == 3  # funnel, location quotients, destinations


def test_unknown_zips_one_year_and_no_totals_still_give_a_page_that_says_so(monkeypatch):
    def thin(name, frame, settings):
        if name == "zips":
            return frame.iloc[::2].reset_index(drop=True)
        if name == "hospital_flows":
            return frame[frame["year"] == frame["year"].max()]
        return frame.assign(discharges_n=float("nan")) if name in ("hospitals", "partner_hospitals") else frame

    _, text = shown_with(monkeypatch, "tallgrass", thin)
    assert "that the table zips lacks (" in text and "are on no map" in text and "No published total" in text


def test_a_new_partner_of_whom_only_public_data_are_there_has_a_page(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "params/partners/cedarvale.yml").write_text(
        "name: Cedarvale Hospital\nplace: Kenosha, Wisconsin\nccn: '520021'\nzip: '53142'\ncounty_fips: '55059'\nlat: 42.56\nlon: -87.9\n"
        "market_counties: ['55059', '55101']\n"
    )
    monkeypatch.setenv("CATCHMENT_ROOT", str(tmp_path))
    names, text = shown("cedarvale")
    assert names["served"].mine["system"] == "Froedtert South" == names["system"], (
        "the system that owns the CCN, whatever the pages call it"
    )
    assert "Cedarvale Hospital&#x27;s Medicare inpatient stays" in text
    assert "Nothing to draw: there is no such record." in text, "no cases of its own are on file"
    assert ">nan" not in text and "None" not in text


def test_the_page_warns_against_comparing_ratios_and_names_the_proxy():
    prose = " ".join(cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "markdown")
    assert "must not be compared with each other" in prose and "not oncology" in prose and "not zero" in prose


@pytest.mark.parametrize("partner", ["tallgrass", "riverbend", "dunes", "northpoint"])
def test_parts_agree_with_each_other(partner):
    names = analyzed(partner)
    need = names["demand"]
    total = need.outlook.set_index("site").loc["All sites"]
    assert need.drivers[["before_n", "change_n"]].sum().sum() == pytest.approx(total["ahead_n"])
    assert need.outlook["now_n"].iloc[:-1].sum() == pytest.approx(total["now_n"])
    for year, part in names["served"].shares.groupby("year"):
        assert part["share"].sum() == pytest.approx(1), year
    assert (names["served"].shares["bound_low"] <= names["served"].shares["share"]).all() and (
        names["served"].shares["share"] <= names["served"].shares["bound_high"]
    ).all()
    low, high = names["served"].spread
    assert low <= names["served"].hhi["hhi"].iloc[-1] <= high
    assert names["served"].terms[["growth", "mix", "gain"]].sum().sum() == pytest.approx(names["served"].terms["change"].sum())
    assert names["served"].keep.groupby("year")["share"].sum().to_numpy() == pytest.approx(1)
    assert names["found"].model.share.sum(axis=1) == pytest.approx(1)
    assert need.people.groupby("year")["population_n"].sum().gt(0).all()


def test_the_demand_model_agrees_with_the_counties_published_counts():
    # Kendall County's published breast cancers (2017-21) against the model's, before the trend since then.
    names = analyzed("tallgrass")
    published = (
        names["frames"]["incidence"].query("county_fips == '17093' and site == 'Breast' and year_first == 2017")["cases_n_year"].item()
    )
    people = names["frames"]["population"].query("county_fips == '17093' and year == 2019")
    rates = names["demand"].rates.query("site == 'Breast'")
    level = names["demand"].levels.query("site == 'Breast' and county_fips == '17093'")["level"].item()
    from catchment.stats.demand import expected_cases

    assert level * expected_cases(people, rates, by=["site"])["cases_n"].item() == pytest.approx(published, rel=0.08)
