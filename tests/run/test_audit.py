"""The auditor: attacks by differencing over pages, runs and formats find nothing, and a deliberate leak is stopped."""

import json
import re
import zlib

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from catchment.protect import disclosure, linkage, published, suppression
from catchment.protect.linkage import HIDDEN, Exhibit
from catchment.run.build.job import Built, Job
from catchment.run.site import audit


def exhibit(name, rows, values, *, measure="patients_n", source="registry", **facts) -> Exhibit:
    return Exhibit(
        name, measure, frozenset({source}), [row if isinstance(row, tuple) else (row,) for row in rows], values, place=name, **facts
    )


TOTAL = exhibit("Patients in all", [("2025",)], [111])
SITES = ["Breast", "Lung", "Colon", "Kidney", "Thyroid"]


def by_site(*values, name="Patients by site", sites=SITES, **facts) -> Exhibit:
    return exhibit(name, [(site, "2025") for site in sites], values, **facts)


def test_all_but_one_part_and_the_total_give_the_last_part():
    found = linkage.exposed([TOTAL, by_site(30, 40, 25, 12, HIDDEN)])
    assert [(each.row[0], each.by) for each in found] == [("Thyroid", ("Patients in all",))]
    assert "is given by “Patients in all”" in str(found[0])


def test_two_hidden_parts_with_a_large_sum_are_safe_and_with_a_small_one_not():
    assert linkage.exposed([TOTAL, by_site(30, 40, 25, HIDDEN, HIDDEN)]) == []
    found = linkage.exposed([exhibit("Patients in all", [("2025",)], [105]), by_site(30, 40, 25, HIDDEN, HIDDEN)])
    assert {each.row[0] for each in found} == {"Kidney", "Thyroid"}
    assert all("narrowed to 1 to 10" in each.how for each in found)


def test_the_threshold_is_that_of_the_source():
    """A sum of 15 narrows two cells to 1 to 14: harmless below 11, not below 16 (U.S. Cancer Statistics)."""
    parts = exhibit("Patients in all", [("2025",)], [110])
    assert linkage.exposed([parts, by_site(30, 40, 25, HIDDEN, HIDDEN)]) == []
    assert len(linkage.exposed([parts, by_site(30, 40, 25, HIDDEN, HIDDEN, below=16)])) == 2


def test_a_cell_hidden_here_and_shown_there_is_found_under_other_columns_and_order():
    other = exhibit("Largest sites", [("2025", "Kidney", "rising"), ("2025", "Breast", "stable")], [12, 30])
    found = linkage.exposed([by_site(30, 40, 25, HIDDEN, HIDDEN), other])
    assert [(each.row[0], each.by) for each in found] == [("Kidney", ("Largest sites",))]


def test_a_chain_over_three_exhibits_is_followed():
    """Men and women are published with one hidden site each; the sites' own total joins them."""
    men = exhibit("Men", [("men", "Lung"), ("men", "Kidney")], [20, HIDDEN])
    women = exhibit("Women", [("women", "Lung"), ("women", "Kidney")], [25, 15])
    assert linkage.exposed([men, women]) == []
    found = linkage.exposed(
        [men, women, exhibit("Both", [("Lung",), ("Kidney",)], [45, 22]), exhibit("By sex", [("men",), ("women",)], [27, 40])]
    )
    assert {each.row for each in found} == {("men", "Kidney")}


def test_a_total_row_inside_a_table_counts():
    assert [
        each.row[0] for each in linkage.exposed([exhibit("Sites", ["All sites", "Lung", "Kidney", "Colon"], [80, 50, HIDDEN, 25])])
    ] == ["Kidney"]


def test_exhibits_about_other_people_do_not_speak_of_each_other():
    """The same labels, but most numbers differ: stays of another hospital."""
    theirs = by_site(11, 90, 33, 45, 20, name="Theirs")
    assert linkage.exposed([by_site(30, 40, 25, HIDDEN, HIDDEN), theirs]) == []
    assert linkage.exposed([TOTAL, by_site(30, 40, 25, 12, HIDDEN, source="another registry")]) == []


def test_a_measure_under_another_name_is_recognized_by_its_numbers():
    renamed = by_site(30, 40, 25, 12, 4, name="New patients", measure="new_patients_n", sites=SITES)
    assert {each.row[0] for each in linkage.exposed([by_site(30, 40, 25, HIDDEN, HIDDEN), renamed])} == {"Kidney", "Thyroid"}


def yearly(name, labels, values):
    """A division of the people of three years, one row per label and year."""
    return exhibit(name, [(label, year) for year in ("2023", "2024", "2025") for label in labels], values)


def test_two_divisions_of_the_same_people_are_compared_though_their_total_is_nowhere():
    """By town and by site, each year: 2023 and 2024 add up alike, so 2025 does too, and 20 + 14 - 27 is left for the third site."""
    towns = yearly("By town", ["Gary", "Hobart"], [30, 20, 25, 30, 20, 14])
    sites = yearly("By site", ["Breast", "Lung", "Colon"], [20, 15, 15, 25, 15, 15, 15, 12, HIDDEN])
    found = linkage.exposed([towns, sites])
    assert [(each.row, each.by) for each in found] == [(("Colon", "2025"), ("By town",))]
    other_people = yearly("By town", ["Gary", "Hobart"], [31, 20, 25, 30, 20, 14])
    assert linkage.exposed([other_people, sites]) == []
    only_one_year_to_go_by = exhibit(
        "By town", [("Gary", "2024"), ("Hobart", "2024"), ("Gary", "2025"), ("Hobart", "2025")], [25, 30, 20, 14]
    )
    assert linkage.exposed([only_one_year_to_go_by, sites]) == []


def test_an_exhibit_of_one_year_is_compared_with_one_that_names_none():
    by_year = exhibit("By site", [("Breast", "2025"), ("Lung", "2025")], [40, 27])
    by_town = exhibit(
        "By site and town", [(site, town) for site in ("Breast", "Lung") for town in ("Gary", "Hobart")], [25, 15, 18, HIDDEN]
    )
    assert [each.row for each in linkage.exposed([by_year, by_town])] == [("Lung", "Hobart")]
    years = exhibit("By site", [(site, year) for site in ("Breast", "Lung") for year in ("2024", "2025")], [41, 45, 30, 27])
    assert linkage.exposed([years, by_town]) == []  # which year the towns are of, nobody says


def test_what_was_made_from_other_data_needs_numbers_that_agree():
    """Last quarter's table of the same referrers gives nothing of this quarter's away, unless its numbers say that it is the same."""
    now = exhibit("Changed", ["La Porte no. 1", "La Porte no. 2"], [HIDDEN, 40], data="b")
    before = exhibit("Breaks", ["La Porte no. 1", "Gary no. 1"], [12, 15], data="a")
    assert linkage.exposed([now, before]) == []
    assert len(linkage.exposed([now, exhibit("Breaks", ["La Porte no. 1", "Gary no. 1"], [12, 15], data="b")])) == 1
    # Revised data: two other numbers are the same, so the reader takes this one for the same too.
    places = ["La Porte no. 1", "La Porte no. 2", "Gary no. 1"]
    revised = exhibit("Changed", places, [HIDDEN, 40, 30], data="b")
    assert len(linkage.exposed([revised, exhibit("Breaks", places, [12, 40, 30], data="a")])) == 1
    # That nobody came from two towns, then or now, says nothing.
    empty = exhibit("Changed", places, [HIDDEN, 0, 0], data="b")
    assert linkage.exposed([empty, exhibit("Breaks", places, [12, 0, 0], data="a")]) == []


def test_only_what_the_new_exhibits_add_is_told():
    old = [TOTAL, by_site(30, 40, 25, 12, HIDDEN)]
    assert linkage.exposed([*old, exhibit("News", [("2024",)], [90])], of=["News"]) == []


counts = st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=n, max_size=n))


@settings(max_examples=40)
@given(counts, st.booleans(), st.booleans())
def test_whatever_passes_the_audit_withstands_an_attacker_who_knows_every_sum(table, row_totals, column_totals):
    """Cells protected row by row on one page, totals on others: the attacker is the exact solver for two margins."""
    frame = pd.DataFrame(
        [(f"r{i}", f"c{j}", value) for i, row in enumerate(table) for j, value in enumerate(row)], columns=["row", "column", "patients_n"]
    )
    safe = disclosure.protect(frame, ["patients_n"], by="row")
    shown = [
        exhibit(
            "cells",
            list(zip(frame["row"], frame["column"], strict=True)),
            published.cells(safe, "cells", sources=["s"], below=11)["measures"]["patients_n"],
        )
    ]
    known = []
    for name, published_too in (("row", row_totals), ("column", column_totals)):
        sums = frame.groupby(name)["patients_n"].sum()
        if published_too:
            shown.append(exhibit(name, list(sums.index), [HIDDEN if 0 < value < 11 else float(value) for value in sums]))
            known += [suppression.Sum(key, tuple(frame.index[frame[name] == key])) for key, value in sums.items() if not 0 < value < 11]
    values = pd.concat(
        [frame["patients_n"].astype("float64"), *(frame.groupby(name)["patients_n"].sum().astype("float64") for name in ("row", "column"))]
    )
    hidden = pd.Series(False, index=values.index)
    hidden[frame.index] = safe["patients_n_suppressed"]
    if not linkage.exposed(shown):
        assert suppression.exposed(values, hidden, known).empty


def test_the_demo_gives_nothing_away_over_all_its_pages(demo_reports):
    """Every exact cell of every page of a partner at once, as one reader with all pages open would see them; rounded ones have an attacker."""
    files = sorted((demo_reports.with_name(f"{demo_reports.name}-internal") / ".run" / "published").glob("*.json.z"))
    assert len(files) == 4
    audited = hidden = 0
    for file in files:
        known = audit.read(file.read_bytes())
        everything = [cells for page in known["pages"].values() for cells in page]
        audited += sum(len(values) for cells in everything for values in cells["measures"].values())
        hidden += sum(values.count(HIDDEN) for cells in everything for values in cells["measures"].values())
        assert audit.exposed(f"{file.stem}/all", everything, {"pages": {}, "earlier": []}) == []
    assert audited > 1_000
    assert hidden > 150


def test_no_hover_text_of_the_demo_tells_what_its_table_hides(demo_pages):
    """HTML against SVG: a row marked [c] has no number in any hover text that begins with its names."""
    rows = 0
    for path in demo_pages.values():
        for figure in re.findall(r"<figure.*?</figure>", path.read_text(encoding="utf-8"), re.S):
            tips = re.findall(r"<title>(.*?)</title>", figure)
            for row in re.findall(r"<tr>(.*?)</tr>", figure, re.S):
                if "[c]" in row and (names := re.findall(r'<th scope="row">(.*?)</th>|<td>([^<]*)</td>', row)):
                    start = ", ".join(first or second for first, second in names)
                    rows += 1
                    said = [re.match(r"[\d,.]+", tip[len(start) + 2 :]) for tip in tips if tip.startswith(f"{start}: ")]
                    shown = set(re.findall(r">([\d,.]+)<", row))  # what the row does not hide may be said
                    assert {number[0] for number in said if number} <= shown, (path, start)
    assert rows > 100


def cells(title, rows, values, **facts):
    return {
        "title": title,
        "sources": ["referrals"],
        "below": 11,
        "rows": [[row] for row in rows],
        "measures": {"patients_n": values},
    } | facts


PLACES = ["A", "B", "C", "D", "E"]


def offered(shown, page="dunes/parts"):
    partner, notebook = page.split("/")
    job = Job(partner, notebook, "{}", {}, ".", "2026-01-01T00:00:00Z", "v")
    return job, Built(page, html=b"<p>", published=zlib.compress(json.dumps(shown).encode()))


def test_what_an_earlier_run_showed_is_not_forgotten(tmp_path):
    gate = audit.Gate(tmp_path)
    job, built = offered([cells("Places", PLACES, [30, 40, 25, 12, 33])])
    assert gate.holds("p", job, built)
    ((_, _, offer),) = gate.turn()
    passed = audit.audit(offer, print)
    assert passed.failure is None
    assert not gate.holds("p", job, passed)
    gate.passed(job, passed)
    job, built = offered([cells("Places", PLACES, [30, 40, 25, HIDDEN, HIDDEN])])
    gate.holds("p", job, built)
    ((_, _, offer),) = gate.turn()
    refused = audit.audit(offer, print)
    assert refused.html is None
    assert refused.failure.kind == "disclosure"
    assert "published until now" in refused.failure.error


def test_two_pages_of_a_partner_are_audited_one_after_the_other(tmp_path):
    gate = audit.Gate(tmp_path)
    pages = {page: offered([cells("Places", PLACES[:1], [30])], page) for page in ("dunes/a", "dunes/b", "tallgrass/a")}
    for page, (job, built) in pages.items():
        gate.holds(page, job, built)
    assert [page for page, *_ in gate.turn()] == ["dunes/a", "tallgrass/a"]
    assert list(gate.turn()) == []
    job, built = pages["dunes/a"]
    gate.holds("dunes/a", job, Built("dunes/a", failure=audit.Failure("killed", "x")))  # an audit that died holds nobody up
    assert [page for page, *_ in gate.turn()] == ["dunes/b"]


FRAME = """\
import pandas as pd
from catchment import data, page, params
settings = params.load(partner)
report = page.Report(settings, data.Tables(settings))
"""
PARTS = """\
shown = report.protect(pd.DataFrame({"place": %r, "patients_n": %r}), sources=["referrals"], by=%r)
report.table(page.Exhibit("parts", shown, "Patients by place", sources=["referrals"]))"""
WHOLE = """\
shown = report.protect(pd.DataFrame({"place": ["All"], "patients_n": [111]}), sources=["referrals"])
report.table(page.Exhibit("total", shown, "Patients in all", sources=["referrals"]))"""


def test_a_deliberate_leak_over_pages_and_runs_is_stopped_and_the_last_page_stays(project):
    project.only("dunes")
    project.notebook("parts", FRAME, PARTS % (PLACES, [30, 40, 25, 12, 4], None))
    project.notebook("total", FRAME, WHOLE)
    done = project.run()
    assert done.returncode == 0, done.stderr
    page = (project.reports / "dunes" / "parts.html").read_bytes()
    assert page.count(b"[c]</abbr>") >= 2
    # Each place is now its own list, so that only the small one is hidden; another page shows the one that was hidden with it.
    project.notebook("parts", FRAME, PARTS % (PLACES, [30, 40, 25, 12, 4], "place"))
    project.notebook("other", FRAME, (PARTS % (["B", "D"], [40, 12], None)).replace("by place", "of two places"))
    done = project.run()
    assert done.returncode != 0
    # The leadership's tree says only that the page failed; which tables and rows is for analysts.
    told = json.loads((project.internal / "manifest.json").read_text())["failures"]
    assert {failure["kind"] for failure in told.values()} == {"disclosure"}
    assert "“Patients by place (parts)”, row E" in told["dunes/parts"]["error"]
    assert "“Patients in all (total)”" in told["dunes/parts"]["error"]
    assert "“Patients of two places (other)”" in told["dunes/other"]["error"]
    assert (project.reports / "dunes" / "parts.html").read_bytes() == page
    assert not (project.reports / "dunes" / "other.html").exists()
