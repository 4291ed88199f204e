"""When pages are due: in the partner's time zone, caught up once, never twice."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from catchment import params
from catchment.run import schedule


def settings(project, cron="0 6 * * 1", zone="America/Chicago", more="", partner="dunes"):
    path = project.root / "params" / "partners" / f"{partner}.yml"
    text = path.read_text().partition("\nrun:")[0]
    path.write_text(f'{text}\nrun:\n  schedule: {{cron: "{cron}", zone: {zone}{more}}}\n')
    return params.load(partner, root=project.root)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-07-06T10:59", "2026-06-29T11:00"),  # Monday, a minute before six o'clock in Chicago (summer: UTC-5)
        ("2026-07-06T11:00", "2026-07-06T11:00"),
        ("2026-07-09T00:00", "2026-07-06T11:00"),
        ("2026-12-07T12:00", "2026-12-07T12:00"),  # winter: UTC-6
    ],
)
def test_the_last_due_time_in_the_partners_zone(project, now, due):
    assert schedule.latest(settings(project), at(now)) == at(due)


def test_a_time_that_the_clock_jumps_over_still_comes(project):
    """On 2026-03-08 the clocks of Chicago go from 02:00 to 03:00."""
    daily = settings(project, cron="30 2 * * *")
    found = schedule.latest(daily, at("2026-03-08T12:00"))
    assert at("2026-03-08T08:00") <= found <= at("2026-03-08T08:30")


def test_the_next_due_time(project):
    assert schedule.coming(settings(project), at("2026-07-06T11:00")) == at("2026-07-13T11:00")


@pytest.fixture
def state(project):
    project.trees.prepare()
    return project.state


def test_an_outage_is_caught_up_once(project, state):
    each = settings(project)
    first = schedule.due([each], state, at("2026-07-06T11:05"))
    schedule.serve(state, first)
    after = at("2026-08-20T00:00")  # six Mondays later
    [due] = schedule.due([each], state, after)
    assert due.at == at("2026-08-17T11:00")
    schedule.serve(state, [due])
    assert schedule.due([each], state, after) == []


def test_a_due_time_is_never_served_twice(project, state):
    each = settings(project)
    for minutes in range(0, 60, 15):
        now = at("2026-07-06T11:00") + timedelta(minutes=minutes)
        found = schedule.due([each], state, now)
        assert len(found) == (1 if minutes == 0 else 0)
        schedule.serve(state, found)


def test_a_clock_that_moved_back_serves_nothing_again(project, state):
    each = settings(project)
    schedule.serve(state, schedule.due([each], state, at("2026-07-06T11:05")))
    assert schedule.due([each], state, at("2026-07-01T00:00")) == []
    assert schedule.due([each], state, at("2026-07-06T11:05")) == []


def test_a_partner_without_a_schedule_is_never_due(project, state):
    path = project.root / "params" / "partners" / "dunes.yml"
    path.write_text(path.read_text() + "\nrun:\n  schedule: null\n")
    each = params.load("dunes", root=project.root)
    assert schedule.due([each], state, datetime.now(UTC)) == [] and schedule.coming(each, datetime.now(UTC)) is None


@pytest.mark.parametrize(
    ("cron", "zone", "told"),
    [("61 * * * *", "UTC", "no cron expression"), ("monthly", "UTC", "five fields"), ("0 6 * * *", "Chicago", "no time zone 'Chicago'")],
)
def test_a_wrong_schedule_is_refused_with_its_line(project, cron, zone, told):
    with pytest.raises(params.ParamsError, match=told) as caught:
        schedule.coming(settings(project, cron, zone), datetime.now(UTC))
    assert "params/partners/dunes.yml:" in str(caught.value)


def test_lines_for_cron_and_systemd(project):
    text = schedule.lines(project.root, "/somewhere/catchment")
    assert f"*/15 * * * * cd {project.root} && mkdir -p reports-internal/.run && /somewhere/catchment run --due --json" in text
    assert "Persistent=true" in text and "ExecStart=/somewhere/catchment run --due --json" in text


@pytest.mark.slow
def test_run_due_builds_what_is_due_and_only_once(project):
    project.only("dunes", "tallgrass")
    project.notebook("01_one", "1")
    project.notebook("02_two", "1")
    settings(project, cron="* * * * *", zone="UTC", more=", notebooks: [02_two], deadline_min: 5")
    path = project.root / "params" / "partners" / "tallgrass.yml"
    path.write_text(path.read_text() + "\nrun:\n  schedule: null\n")
    settings(project, cron="0 0 1 1 *", zone="UTC", more=", notebooks: [02_two], deadline_min: 5")
    told = [json.loads(project.run("--due", "--json").stdout.splitlines()[-1]) for _ in range(2)]
    assert [each["built_n"] for each in told] == [1, 0]
    assert list(project.manifest()["pages"]) == ["dunes/02_two"]
    assert told[0]["late"] == ["dunes"], "the year's first minute is past, and so is the deadline"
