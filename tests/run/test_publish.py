"""The two trees: who finds what where, what stays of earlier runs, and what comes with a page."""

import html.parser
import json
import os

import pytest
from test_runner import QUIET, again, assert_whole, instant, two, why  # noqa: F401

from catchment import params
from catchment.run import runner
from catchment.run.build.job import Built, Failure
from catchment.run.runner import Options
from catchment.run.site.trees import Trees, TreesError


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name == "href"]


def dead_links(tree):
    """Links of a tree's pages that lead out of it or to nothing."""
    dead = []
    for page in tree.rglob("*.html"):
        for href in Links(page.read_text()).found:
            target = (page.parent / href.partition("#")[0]).resolve() if not href.startswith("#") else page
            if not target.is_file() or not target.is_relative_to(tree):
                dead.append((page.relative_to(tree).as_posix(), href))
    return dead


@pytest.fixture
def editions(project, instant):  # noqa: F811
    """One partner with internal readers and one without; a notebook for each audience, one for both."""
    project.only("dunes", "tallgrass")
    for name, audience in (("01_plain", "leadership"), ("02_both", "both"), ("03_list", "internal")):
        project.notebook(name, "1", audience=audience)
    path = project.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\naudience: internal\n")
    build = instant.build
    instant.build = lambda job: named(build(job), job)
    assert runner.run(project.root, **QUIET).code == 0
    return project


def named(built, job):
    """A page that names somebody where it is made for internal readers."""
    if built.html and job.audience == "internal":
        built.html += b"<p>Dr. Ada Ash</p>"
        built.headlines["takeaways"] = ["Dr. Ada Ash refers most"]
    return built


def holding(tree, word):
    return sorted(
        path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file() and word in path.read_text(errors="replace")
    )


def test_each_audience_has_a_tree_of_its_own(editions, instant):  # noqa: F811
    assert sorted(editions.manifest()["pages"]) == ["dunes/01_plain", "dunes/02_both", "tallgrass/01_plain", "tallgrass/02_both"]
    assert holding(editions.reports, "Ada Ash") == []
    assert holding(editions.internal, "Ada Ash") == ["dunes/02_both.html", "dunes/03_list.html", "manifest.json"]
    assert not list(editions.reports.rglob("*.ipynb")) and not (editions.reports / ".run").exists()
    assert dead_links(editions.reports) == [] and dead_links(editions.internal) == []
    assert_whole(editions)
    assert again(editions, instant) == []


def test_no_page_for_leadership_leads_to_the_internal_tree(editions):
    assert not [path for path in editions.reports.rglob("*.html") if "internal" in path.read_text().casefold()]


def test_an_internal_failure_is_told_to_analysts_only(editions, instant):  # noqa: F811
    instant.fail = {"dunes/03_list@internal": [Failure("error", "KeyError: 'Ada Ash'", 2)]}
    assert runner.run(editions.root, Options(force=True), **QUIET).code == 1
    assert holding(editions.reports, "Ada Ash") == [] and holding(editions.reports, "Not refreshed") == []
    assert "KeyError" in (editions.internal / "index.html").read_text()
    assert (editions.internal / "failed" / "dunes" / "03_list@internal.ipynb").exists()


def test_readers_withdrawn_from_the_settings_lose_their_pages(editions, instant):  # noqa: F811
    path = editions.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text().replace("audience: internal", "audience: leadership"))
    assert again(editions, instant) == [], "the pages for leadership are what they were"
    assert holding(editions.internal, "Ada Ash") == []
    assert_whole(editions)


def test_a_notebook_withdrawn_from_leadership_leaves_earlier_runs_too(two, instant):  # noqa: F811
    two.notes.write_text(two.notes.read_text() + "dunes,more\n")
    again(two, instant)
    (kept,) = (path.parent for path in two.reports.glob("dunes/*/01_one.html"))
    two.notebook("01_one", "'one'", audience="internal")
    again(two, instant)
    assert sorted(path.name for path in kept.iterdir()) == ["02_two.html", "index.html"]
    assert not (two.reports / "dunes" / "01_one.html").exists()
    assert_whole(two)


def test_one_tree_inside_of_the_other_is_refused(tmp_path):
    with pytest.raises(TreesError, match="must not lie inside"):
        Trees.of(tmp_path, tmp_path / "reports", tmp_path / "reports" / "internal")
    assert Trees.of(tmp_path).internal == tmp_path / "reports-internal"
    assert Trees.of(tmp_path, tmp_path / "a", tmp_path / "b").internal == tmp_path / "b"


def test_the_state_of_an_earlier_version_leaves_the_leaderships_tree(tmp_path):
    trees = Trees.of(tmp_path)
    (trees.leadership / ".run" / "failed").mkdir(parents=True)
    trees.prepare()
    assert (trees.state / "failed").exists() and not (trees.leadership / ".run").exists()


def change(project, number):
    """Rows of dunes that were not there before."""
    project.own_notes("dunes", *(f"note {each}" for each in range(number + 3)))


def test_earlier_runs_stay_readable_and_cost_no_second_copy(two, instant):  # noqa: F811
    before = (two.reports / "dunes" / "01_one.html").read_text()
    inode = (two.reports / "dunes" / "01_one.html").stat().st_ino
    change(two, 1)
    assert again(two, instant) == ["dunes/01_one", "dunes/02_two"]
    (kept,) = two.manifest()["partners"]["dunes"]["earlier"]
    folder = two.reports / "dunes" / kept["run"]
    assert (folder / "01_one.html").read_text() == before and (folder / "01_one.html").stat().st_ino == inode
    assert (two.reports / "dunes" / "01_one.html").read_text() != before
    assert f'href="{kept["run"]}/index.html"' in (two.reports / "dunes" / "index.html").read_text()
    assert "An earlier run" in (folder / "index.html").read_text()
    assert dead_links(two.reports) == []
    assert two.manifest()["partners"]["tallgrass"]["earlier"] == [], "its pages did not change"


def test_a_run_that_says_the_same_keeps_nothing(two, instant):  # noqa: F811
    again(two, instant, force=True)
    assert two.manifest()["partners"]["dunes"]["earlier"] == []


@pytest.mark.parametrize("keep_n", [0, 2])
def test_only_as_many_earlier_runs_stay_as_the_settings_say(two, instant, keep_n):  # noqa: F811
    path = two.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + f"\nrun: {{keep_n: {keep_n}}}\n")
    for number in range(4):
        change(two, number)
        again(two, instant)
    known = [each["run"] for each in two.manifest()["partners"]["dunes"]["earlier"]]
    assert len(known) == keep_n and sorted(known) == sorted(path.name for path in (two.reports / "dunes").iterdir() if path.is_dir())
    assert dead_links(two.reports) == []


def test_settings_that_keep_none_any_more_clear_what_was_kept(two, instant):  # noqa: F811
    change(two, 1)
    again(two, instant)
    path = two.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {keep_n: 0}\n")
    change(two, 2)
    again(two, instant)
    assert not [each for each in (two.reports / "dunes").iterdir() if each.is_dir()]
    assert two.manifest()["partners"]["dunes"]["earlier"] == [] and dead_links(two.reports) == []


def test_a_partner_that_leaves_takes_its_earlier_runs_along(two, instant):  # noqa: F811
    change(two, 1)
    again(two, instant)
    (two.root / "params" / "partners" / "dunes.yml").unlink()
    again(two, instant)
    assert not (two.reports / "dunes").exists() and "dunes" not in two.manifest()["partners"]


def test_without_hard_links_earlier_runs_are_copied(two, instant, monkeypatch):  # noqa: F811
    def refused(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refused)
    before = (two.reports / "dunes" / "01_one.html").read_text()
    change(two, 1)
    again(two, instant)
    (kept,) = two.reports.glob("dunes/*/01_one.html")
    assert kept.read_text() == before


def test_the_audience_of_the_page_at_work_narrows_and_never_widens(project, monkeypatch):
    path = project.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\naudience: internal\n")
    for said, dunes in (("leadership", "leadership"), ("internal", "internal")):
        monkeypatch.setenv("CATCHMENT_AUDIENCE", said)
        assert params.load("dunes", root=project.root).audience == dunes
        assert params.load("tallgrass", root=project.root).audience == "leadership"
    assert params.load("dunes", root=project.root).mark("audience").line > 1, "nothing else is lost"


# What comes with a page.


@pytest.fixture
def attached(two, instant):  # noqa: F811
    """An executor that attaches what it is asked for."""
    build = instant.build

    def with_attachments(job):
        built = Built(job.page) if job.standing else build(job)
        built.attachments = {ending: f"{ending} of {job.page}".encode() for ending in job.attachments}
        return built

    instant.build = with_attachments
    return two


def test_a_missing_attachment_is_made_of_the_page_as_it_stands(attached, instant):  # noqa: F811
    before = (attached.reports / "dunes" / "01_one.html").read_bytes()
    assert again(attached, instant, pdf=True, partners=("dunes",)) == ["dunes/01_one", "dunes/02_two"]
    assert [job.standing for job in instant.jobs if job.notebook == "01_one"] == [before]
    assert (attached.reports / "dunes" / "01_one.pdf").read_text() == "pdf of dunes/01_one"
    assert (attached.reports / "dunes" / "01_one.html").read_bytes() == before
    for page in ("index.html", "dunes/index.html"):
        assert "01_one.pdf" in (attached.reports / page).read_text()
    assert again(attached, instant, pdf=True, partners=("dunes",)) == [] and again(attached, instant) == []
    (attached.reports / "dunes" / "01_one.pdf").unlink()
    assert again(attached, instant, pdf=True, partners=("dunes",)) == ["dunes/01_one"]
    assert_whole(attached)


def test_an_attachment_never_outlives_what_its_page_says(attached, instant):  # noqa: F811
    again(attached, instant, pdf=True)
    change(attached, 1)
    again(attached, instant)
    assert not (attached.reports / "dunes" / "01_one.pdf").exists() and (attached.reports / "tallgrass" / "01_one.pdf").exists()
    assert list(attached.reports.glob("dunes/*/01_one.pdf")), "the earlier run keeps its own"
    assert_whole(attached)


def test_settings_ask_for_attachments_and_slides_come_with_the_brief_only(attached, instant):  # noqa: F811
    path = attached.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {pdf: true, deck: true}\n")
    attached.notebook("02_two", "'two'", deck=True)
    assert again(attached, instant) == ["dunes/01_one", "dunes/02_two"]
    endings = {job.page: (job.attachments, job.standing is not None) for job in instant.jobs}
    assert endings == {"dunes/01_one": (("pdf",), True), "dunes/02_two": (("pdf", "pptx"), False)}


def test_what_comes_with_an_internal_page_stays_with_it(editions, instant):  # noqa: F811
    build = instant.build

    def with_pdf(job):
        built = Built(job.page) if job.standing else build(job)
        built.attachments = dict.fromkeys(job.attachments, b"%PDF of " + job.page.encode())
        return built

    instant.build = with_pdf
    again(editions, instant, pdf=True)
    assert (editions.internal / "dunes" / "02_both.pdf").read_text() == "%PDF of dunes/02_both@internal"
    assert (
        holding(editions.reports, "@internal") == [] and (editions.reports / "dunes" / "02_both.pdf").read_text() == "%PDF of dunes/02_both"
    )
    assert dead_links(editions.internal) == []
    assert_whole(editions)


def test_why_names_a_missing_attachment(attached):
    path = attached.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun: {pdf: true}\n")
    assert why(attached, "dunes/01_one") == ["its pdf is asked for"]


def test_pages_after_their_deadline_are_up_but_the_exit_code_tells(two, instant):  # noqa: F811
    for partner, deadline in (("dunes", 1), ("tallgrass", 99_000_000)):
        path = two.root / "params" / "partners" / f"{partner}.yml"
        path.write_text(path.read_text() + f'\nrun: {{schedule: {{cron: "0 0 29 2 *", deadline_min: {deadline}}}}}\n')
    summary = runner.run(two.root, Options(due=True, force=True), **QUIET)
    assert (summary.code, summary.late, sorted(summary.failed), len(summary.built)) == (4, ["dunes"], [], 4)
    assert json.loads(summary.line())["outcome"] == "late"
    instant.fail = {"dunes/01_one": [Failure("error", "KeyError: 1", 2)]}
    assert runner.run(two.root, Options(force=True), **QUIET).code == 1, "a failure weighs more"
