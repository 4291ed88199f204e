"""The `catchment` command."""

import argparse
import sys
from pathlib import Path

from catchment import params


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit code: 0 well, 1 a page failed, 2 the request or the settings are wrong."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except params.ParamsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except _expected() as error:
        print(f"catchment: {error}", file=sys.stderr)
    return 2


def _expected():
    from catchment.run.lock import Busy
    from catchment.run.plan import PlanError

    return PlanError, Busy, PermissionError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="catchment", description="Parameterized notebooks to one page for each partner.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="build the pages", description="Build the pages of the given partners and notebooks, or of all.")
    run.set_defaults(command=_run)
    run.add_argument("--partner", nargs="+", default=[], metavar="ID", help="partner ids (default: all)")
    run.add_argument("--notebook", nargs="+", default=[], metavar="NAME", help="notebook names (default: all)")
    run.add_argument("--jobs", type=_at_least_one, metavar="N", help="pages built at the same time (default: the machine's processors)")
    run.add_argument("--engine", choices=("catchment", "catchment-kernel"), help="how cells are run (default: in forked processes where possible)")
    run.add_argument("--reports", type=Path, metavar="FOLDER", help="where the pages go (default: reports/)")
    listed = commands.add_parser("list", help="show partners, notebooks and the state of their pages")
    listed.set_defaults(command=_list)
    check = commands.add_parser("check", help="check params and data; nothing is executed")
    check.set_defaults(command=_check)
    new = commands.add_parser("new-partner", help="write the settings file of a new partner")
    new.set_defaults(command=_new_partner)
    new.add_argument("id", help="partner id: lower-case letters, digits, hyphens")
    return parser


def _at_least_one(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _run(options) -> int:
    from catchment.run import runner

    root = params.root()
    chosen = runner.Options(tuple(options.partner), tuple(options.notebook), options.jobs, options.engine, options.reports)
    summary = runner.run(root, chosen)
    for page, failure in summary.failed.items():
        print(f"failed: {page}: {failure}", file=sys.stderr)
        print(f"        details: {summary.index.parent}/.run/failed/{page}.html", file=sys.stderr)
    if summary.stopped:
        print("stopped before the end", file=sys.stderr)
    counts = f"{len(summary.built)} built, {len(summary.unchanged)} unchanged, {len(summary.failed)} failed"
    print(f"{summary.index}  ({counts}, {summary.wall_s:.1f} s)")
    return summary.code


def _list(options) -> int:
    from catchment.run import manifest, plan

    root = params.root()
    entries = manifest.read(root / "reports")["pages"]
    for page in plan.pages(root):
        entry = entries.get(str(page))
        print(f"{page.partner:<16} {page.notebook:<28} {_state(entry)}")
    return 0


def _state(entry):
    if entry is None:
        return "not built"
    produced = f"produced {entry['produced']}" if entry["path"] else "no page"
    return f"{produced}, failed {entry['failure']['at']}: {entry['failure']['error']}" if entry["failure"] else produced


def _check(options) -> int:
    from catchment import data
    from catchment.run import plan

    root = params.root()
    found = params.problems(root=root)
    if found:
        raise params.ParamsError(found)
    planned = plan.pages(root)
    plan.parameters(root, planned)
    breaches = data.check(root=root)
    for breach in breaches:
        print(breach, file=sys.stderr)
    print(f"{len(params.partners(root=root))} partners, {len(planned)} pages, data: {len(breaches)} problems")
    return 1 if breaches else 0


def _new_partner(options) -> int:
    print(f"wrote {params.new_partner(options.id, root=params.root())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
