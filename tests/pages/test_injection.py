"""Hostile text in every table and setting, through the real notebooks: it runs nothing, asks for nothing, breaks no layout."""

import ast
import csv
import gzip
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from test_page_browser import CHROMIUM, QUIET, playwright

from catchment.data import catalog

ROOT = Path(__file__).parents[2]
PARTNER = "dunes"
CORPUS = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg/onload=window.hacked=1>",
    "</style></title></textarea><script>window.hacked=1</script>",
    "</td></tr></table><iframe src=https://evil.example>",
    "<a href=javascript:window.hacked=1>x</a>",
    "[x](javascript:window.hacked=1)",
    "![x](https://evil.example/p.png)",
    "<https://evil.example>",
    "# heading **bold** `code` | cell",
    'style="background:url(https://evil.example)"',
    "<style>@import url(https://evil.example/x.css);*{display:none}</style>",
    '" onmouseover="window.hacked=1" x="',
    "' autofocus onfocus='window.hacked=1",
    "{{ 7*7 }} {% raw %} ${7*7} $x^2$",
    "{cases_n} %s %(x)s {0}",
    "&lt;script&gt;window.hacked=1&lt;/script&gt; &#x3c;",
    "]]><!-- --><![CDATA[<script>window.hacked=1</script>]]>",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "..\\..\\windows\\system.ini",
    "\u202eevil\u202c\u2066\u2069",
    "zero\u200bwidth\u200d\ufeff\u00ad",
    "W" * 90,
    "\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \U0001f600",
    "'; DROP TABLE gifts; --",
    "<base href=https://evil.example/><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input name=q></form>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.hacked=1>",
)  # fmt: skip
IDS = re.compile(r"partner|.*_id|kpi|task|item|after|addresses|numerator|denominator|source|theme")

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


def literals() -> set[str]:
    """Every text that the code or the settings name: a value that they look for must stay what it is."""
    known = {
        node.value
        for path in (ROOT / "lib").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    notebooks = " ".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    known |= set(re.findall(r'\\"([^"\\]+)\\"', notebooks))
    settings = " ".join(path.read_text() for path in (ROOT / "params").rglob("*.yml"))
    return known | {part.strip().strip("\"'") for part in re.split(r"[:,\[\]{}\n#]| - ", settings)}


class Hostile:
    """The same value becomes the same hostile value in every table, so that what belongs together still does."""

    def __init__(self, spared: set[str]):
        self.spared, self.made = spared, {}

    def text(self, value: str) -> str:
        if not value or value in self.spared:
            return value
        return self.made.setdefault(value, f"{value} {CORPUS[len(self.made) % len(CORPUS)]}")

    def table(self, path: Path, columns: list[str]) -> int:
        """Rewrite a CSV file in place; the number of columns in which something changed."""
        packed = path.suffix == ".gz"
        content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        places = [rows[0].index(column) for column in columns if column in rows[0]]
        changed = set()
        for row in rows[1:]:
            for place in places:
                if (new := self.text(row[place])) != row[place]:
                    row[place], _ = new, changed.add(place)
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        path.write_bytes(gzip.compress(out.getvalue().encode()) if packed else out.getvalue().encode())
        return len(changed)


def free(name: str, column, tables) -> bool:
    """Whether a column takes any text; one that refers to another follows it."""
    if column.references:
        table, _, other = column.references.partition(".")
        return free(other, tables[table].columns[other], tables)
    return column.type == "text" and not (column.pattern or column.values) and not IDS.fullmatch(name)


@pytest.fixture(scope="module")
def hostile(shared_project):
    """The project with hostile text in every text column of every table, in the partner's name and in every assumption's source."""
    project = shared_project
    project.only(PARTNER)
    shutil.copytree(ROOT / "notebooks", project.root / "notebooks", dirs_exist_ok=True)
    for name in ("public", "demo"):
        (project.root / "data" / name).unlink()
        shutil.copytree(ROOT / "data" / name, project.root / "data" / name, ignore=shutil.ignore_patterns("__pycache__", "simulation"))
    settings = project.root / "params" / "partners" / f"{PARTNER}.yml"
    hostile, columns = Hostile(literals()), 0
    tables = catalog.tables(project.root)
    for entry in tables.values():
        texts = [column.source or name for name, column in entry.columns.items() if free(name, column, tables)]
        for path in project.root.joinpath("data").glob((entry.path or "-").replace("{partner}", PARTNER)):
            columns += hostile.table(path, texts) if texts and path.name.endswith((".csv", ".csv.gz")) else 0
    place = re.search(r"^place: (.*)$", settings.read_text(), re.M)[1]
    settings.write_text(
        settings.read_text().replace(f"place: {place}", f"place: {json.dumps(f'{place} {CORPUS[0]}{CORPUS[1]}{CORPUS[3]}')}")
    )
    return project, hostile, columns


def test_hostile_text_runs_nothing_asks_for_nothing_and_breaks_no_layout(hostile):
    project, made, columns = hostile
    assert columns >= 30, columns
    assert len(made.made) > 10 * len(CORPUS)
    done = project.run()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    pages = sorted(project.reports.rglob("*.html")) + sorted(project.internal.rglob("*.html"))
    assert len(pages) >= 6
    shown = "".join(path.read_text(encoding="utf-8") for path in pages)
    assert (
        sum(
            word in shown
            for word in ("&lt;script&gt;window.hacked", "onerror=window.hacked", "{{ 7*7 }}", "{cases_n}", "W" * 60, "&lt;iframe", "cmd|")
        )
        == 7
    )
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        found = [f"{path.relative_to(project.root)}: {problem}" for path in pages for problem in problems(browser, path)]
        browser.close()
    assert found == []


OWN = "script, img, iframe, object, embed, form, input, base, link, math, meta[http-equiv=refresh], [onerror], [onload], [onmouseover], [onfocus], a[href^='javascript:'], a[href*='evil']:not([href^='data:text/csv'])"


def problems(browser, path: Path) -> list[str]:
    """What a hostile text achieved on one page, opened on a phone."""
    tab = browser.new_page(viewport={"width": 360, "height": 800})
    told, asked = [], []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("dialog", lambda dialog: told.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = [f"said {text}" for text in told] + [f"asked for {url}" for url in asked[1:]]
    found += ["a script ran"] if tab.evaluate("window.hacked !== undefined") else []
    found += [f"holds {tag}" for tag in tab.evaluate("own => [...document.querySelectorAll(own)].map(e => e.outerHTML.slice(0, 120))", OWN)]
    found += ["more than one style sheet"] if tab.evaluate("document.styleSheets.length") != 1 else []
    wide = tab.evaluate("document.documentElement.scrollWidth")
    found += [f"is {wide} px wide"] if wide > 360 else []
    tab.close()
    return found


def test_ids_and_file_names_cannot_leave_their_folder(project):
    """A partner or notebook is a file's stem in one folder: nothing else is run, read or written."""
    for name in ("../dunes", "/etc/passwd", "..", "dunes/../../x", "-rf", "DUNES"):
        done = project.command("run", f"--partner={name}")
        assert done.returncode != 0, name
        assert "Traceback" not in done.stderr
    done = project.command("run", "--notebook", "../../outside/evil")
    assert done.returncode != 0
    assert not project.reports.exists() or not list(project.reports.rglob("*.html"))
