"""The `catchment` command.

Exit codes: 0 well, 1 a page failed or the data have problems, 2 the request or the settings are wrong, 3 another run is at
work, 4 all pages are up but some only after their deadline, 130 stopped by the user or the system.
"""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catchment import params
from catchment.data import import_console, lock
from catchment.run import plan
from catchment.run.site import history, manifest
from catchment.run.site.trees import FAILED, LEADERSHIP, Trees, TreesError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = _options(_parser(), arguments)
    try:
        return options.command(options)
    except params.ParamsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except lock.Busy as error:
        print(f"catchment: {error}", file=sys.stderr)
        return 3
    except (plan.PlanError, TreesError, OSError) as error:
        print(f"catchment: {error}", file=sys.stderr)
        return 2


def _options(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """The parsed request. Files may also stand behind options: argparse takes a list of them at its first place only."""
    options, rest = parser.parse_known_args(arguments)
    if rest and ("files" not in options or any(each.startswith("-") for each in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        options.files = [*options.files, *map(Path, rest)]
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="catchment", description="Parameterized notebooks to one page for each partner.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _run_options(
        commands.add_parser("run", help="build the pages that are not up to date", description="Build the pages that are not up to date.")
    )
    for name, command, help_ in (
        ("list", _list, "show partners, notebooks and the state of their pages"),
        ("check", _check, "check params and data; nothing is executed"),
        ("history", _history, "show what past runs did"),
        ("schedule", _schedule, "show when pages are due, with ready lines for cron and systemd"),
        ("lab", _lab, "open the notebooks in JupyterLab, with kernels that start at once"),
    ):
        each = commands.add_parser(name, help=help_)
        each.set_defaults(command=command)
        if name in ("list", "history"):
            _tree_options(each)
        if name == "check":
            each.add_argument("--json", action="store_true", help="end with one line of JSON that holds every problem")
    why = commands.add_parser("why", help="say what changed since a page was built")
    why.set_defaults(command=_why)
    why.add_argument("page", help="PARTNER/NOTEBOOK")
    _tree_options(why)
    new = commands.add_parser("new-partner", help="write the settings file of a new partner")
    new.set_defaults(command=_new_partner)
    new.add_argument("id", help="partner id: lower-case letters, digits, hyphens")
    bring = commands.add_parser("import", help="read published files into a table of the catalog")
    bring.set_defaults(command=import_console.run)
    import_console.add_arguments(bring)
    worker = commands.add_parser("worker", help="become a worker of a Dask cluster")
    worker.set_defaults(command=_worker)
    worker.add_argument("address", help="the scheduler, such as tcp://scheduler:8786")
    worker.add_argument(
        "--pages", type=_at_least_one, default=os.cpu_count() or 1, metavar="N", help="pages built at the same time (default: processors)"
    )
    return parser


def _run_options(run: argparse.ArgumentParser) -> None:
    run.set_defaults(command=_run)
    run.add_argument("--partner", nargs="+", action="extend", default=[], metavar="ID", help="partner ids (default: all)")
    run.add_argument("--notebook", nargs="+", action="extend", default=[], metavar="NAME", help="notebook names (default: all)")
    run.add_argument(
        "--jobs", type=_at_least_one, metavar="N", help="pages built at the same time (default: processors, as far as the memory reaches)"
    )
    run.add_argument("--force", action="store_true", help="build also what is up to date")
    run.add_argument("--due", action="store_true", help="build what the partners' schedules ask for now")
    run.add_argument("--cluster", metavar="ADDRESS", help="build on a Dask cluster, such as tcp://scheduler:8786")
    run.add_argument(
        "--engine", choices=("catchment", "catchment-kernel"), help="how cells are run (default: in forked processes where possible)"
    )
    run.add_argument("--pdf", action="store_true", help="with a PDF of each page")
    run.add_argument("--deck", action="store_true", help="with the slides of the executive brief")
    _tree_options(run)
    run.add_argument("--json", action="store_true", help="end with one line of JSON instead of words")


def _tree_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reports", type=Path, metavar="FOLDER", help="where the pages for leadership are (default: reports/)")
    parser.add_argument(
        "--internal",
        type=Path,
        metavar="FOLDER",
        help="where internal pages and the runner's state are (default: beside the pages, with -internal at the end)",
    )


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _run(options: argparse.Namespace) -> int:
    from catchment.run import runner

    chosen = runner.Options(
        tuple(options.partner),
        tuple(options.notebook),
        jobs=options.jobs,
        engine=options.engine,
        force=options.force,
        due=options.due,
        pdf=options.pdf,
        deck=options.deck,
        cluster=options.cluster,
        reports=options.reports,
        internal=options.internal,
    )
    summary = runner.run(params.root(), chosen, show=lambda text: print(text, file=sys.stderr))
    for page, failure in summary.failed.items():
        print(f"failed: {page}: {failure}\n        {_trees(options).internal}/{FAILED}/{page}.html", file=sys.stderr)
    for page in summary.late:
        print(f"late: {page}", file=sys.stderr)
    if summary.stopped:
        print("stopped before the end; the next run continues", file=sys.stderr)
    print(summary.line() if options.json else f"{summary.index}  ({summary.counts}, {summary.wall_s:.1f} s)")
    return summary.code


def _trees(options: argparse.Namespace) -> Trees:
    return Trees.of(params.root(), options.reports, options.internal)


def _list(options: argparse.Namespace) -> int:
    root = params.root()
    entries = manifest.read(_trees(options))["pages"]
    for page in plan.pages(root):
        print(f"{page.partner:<16} {page.notebook:<28} {_edition(page)}{_state(entries.get(str(page)))}")
    return 0


def _edition(page: plan.Page) -> str:
    return "" if page.audience == LEADERSHIP else f"{page.audience}, "


def _state(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "not built"
    produced = f"produced {entry['produced']}" if entry["path"] else "no page"
    return f"{produced}, failed {entry['failure']['at']}: {entry['failure']['error']}" if entry["failure"] else produced


def _check(options: argparse.Namespace) -> int:
    from catchment.run import checking

    found = checking.check(params.root())
    for problem in found.problems:
        print(problem["message"], file=sys.stderr)
    print(found.line() if options.json else found.words)
    return found.code


def _history(options: argparse.Namespace) -> int:
    for record in history.read(_trees(options).state):
        counts = f"{record['built_n']} built, {record['unchanged_n']} unchanged, {record['failed_n']} failed"
        cost = f"{record['wall_s']:.1f} s, {record['cpu_s']:.1f} s CPU, {record['peak_mb']:.0f} MB"
        print(f"{record['run']}  {record['outcome']:<8} {counts}; {cost}; {record['version']}")
        for page, failure in record["failed"].items():
            print(f"    {page}: {failure['error']}")
    return 0


def _why(options: argparse.Namespace) -> int:
    from catchment.run import runner

    partner, _, notebook = options.page.removesuffix(".html").partition("/")
    for page, standing in runner.standings(params.root(), _trees(options), (partner,), (notebook,)).items():
        follows = f"up to date, unless one that it needs says something else: {', '.join(standing.waits)}"
        print(f"{page}: " + ("would be built again" if standing.reasons else follows if standing.waits else "up to date"))
        for reason in standing.reasons:
            print(f"  {reason}")
    return 0


def _schedule(options: argparse.Namespace) -> int:
    from catchment.run import schedule

    root, now = params.root(), datetime.now(UTC)
    for partner in params.partners(root=root):
        settings = params.load(partner, root=root)
        plan_ = settings.run.schedule
        told = f"{plan_.cron} {plan_.zone}, next {schedule.coming(settings, now):%Y-%m-%d %H:%M} UTC" if plan_ else "on request only"
        print(f"{partner:<16} {told}")
    print("\n" + schedule.lines(root, str(Path(sys.argv[0]).absolute())))
    return 0


def _lab(options: argparse.Namespace) -> int:
    from catchment.run.build.warm_kernel import JUPYTER_PATH

    paths = [str(JUPYTER_PATH), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(paths)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(params.root() / "notebooks")])


def _new_partner(options: argparse.Namespace) -> int:
    print(f"wrote {params.new_partner(options.id)}: fill in its empty keys, then `catchment check`")
    return 0


def _worker(options: argparse.Namespace) -> int:
    from catchment.run.build import cluster

    cluster.serve(options.address, options.pages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
