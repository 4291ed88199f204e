"""When pages are due: each partner's cron expression in its own time zone.

The latest time that has passed counts, so an outage is caught up once, however long it was. A due time that was served is
written down and never served again; one whose pages failed is tried again until its deadline, and then left to the next.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from catchment import params
from catchment.params import Settings
from catchment.params.run import Schedule

from .site import store

SERVED = "served.json"
EVERY = 15  # minutes between two times that cron or systemd asks


@dataclass(frozen=True)
class Due:
    """A partner whose pages are due: since when, which notebooks (none named: all), and until when."""

    partner: str
    at: datetime
    notebooks: tuple[str, ...]
    deadline: datetime


def latest(settings: Settings, now: datetime) -> datetime | None:
    """The last due time at or before `now`, in UTC; None for a partner without a schedule."""
    schedule = settings.run.schedule
    return next(_cron(settings, schedule, now + timedelta(seconds=1), reverse=True)).astimezone(UTC) if schedule else None


def coming(settings: Settings, now: datetime) -> datetime | None:
    """The next due time after `now`, in UTC."""
    schedule = settings.run.schedule
    return next(_cron(settings, schedule, now, reverse=False)).astimezone(UTC) if schedule else None


def _cron(settings: Settings, schedule: Schedule, now: datetime, *, reverse: bool) -> CronSim:
    mark = settings.mark("run", "schedule", "cron") or settings.mark("run", "schedule")
    file, line = (mark.file, mark.line) if mark else (f"params/partners/{settings.id}.yml", 0)
    try:
        return CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.zone)).replace(microsecond=0), reverse=reverse)
    except CronSimError as error:
        problem = params.Problem(
            file,
            line,
            "run.schedule.cron",
            f"no cron expression: {schedule.cron!r}",
            f"{error}; five fields: minute hour day month weekday",
        )
        raise params.ParamsError([problem]) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise params.ParamsError(
            [params.Problem(file, line, "run.schedule.zone", f"no time zone {schedule.zone!r}", "such as America/Chicago")]
        ) from error


def due(settings: Iterable[Settings], state: Path, now: datetime) -> list[Due]:
    """The partners whose latest due time has not been served."""
    served = _served(state)
    found = []
    for each in settings:
        schedule, at = each.run.schedule, latest(each, now)
        if schedule is None or at is None or at.isoformat() <= served.get(each.id, ""):
            continue
        deadline = at + timedelta(minutes=schedule.deadline_min)
        found.append(Due(each.id, at, tuple(schedule.notebooks), deadline))
    return found


def serve(state: Path, done: Iterable[Due]) -> None:
    """Write down that these due times have been served."""
    served = _served(state)
    for each in done:
        served[each.partner] = max(each.at.isoformat(), served.get(each.partner, ""))
    store.replace(state / SERVED, json.dumps(served, sort_keys=True).encode())


def _served(state: Path) -> dict[str, str]:
    path = state / SERVED
    return json.loads(path.read_text()) if path.exists() else {}


def lines(root: Path, command: str) -> str:
    """Ready lines for cron, and for a systemd timer."""
    return f"""\
# cron (crontab -e): asks every {EVERY} minutes whether something is due
*/{EVERY} * * * * cd {root} && mkdir -p reports-internal/.run && {command} run --due --json >> reports-internal/.run/scheduled.jsonl 2>&1

# systemd: ~/.config/systemd/user/catchment.service
[Unit]
Description=Catchment reports that are due
[Service]
Type=oneshot
WorkingDirectory={root}
ExecStart={command} run --due --json

# systemd: ~/.config/systemd/user/catchment.timer, then: systemctl --user enable --now catchment.timer
[Unit]
Description=Catchment reports, every {EVERY} minutes
[Timer]
OnCalendar=*:0/{EVERY}
Persistent=true
[Install]
WantedBy=timers.target
"""
