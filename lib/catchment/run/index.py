"""The portfolio's front page: every partner with its headline KPIs, the age of its pages, failures and links."""

from functools import cache
from importlib.resources import files
from typing import Any

CARDS = 3


def render(manifest: dict[str, Any]) -> str:
    """`reports/index.html` for a manifest; pages for internal readers are not listed."""
    partners: dict[str, dict[str, Any]] = {}
    listed = [entry for entry in manifest["pages"].values() if not entry["internal"]]
    for entry in sorted(listed, key=lambda entry: (entry["name"], entry["order"], entry["notebook"])):
        partner = partners.setdefault(entry["partner"], {"id": entry["partner"], "name": entry["name"], "place": entry["place"], "pages": [], "kpis": []})
        partner["pages"].append(_page(entry))
        partner["kpis"] += entry.get("headlines", {}).get("kpis", [])[:1]
    pages = [page for partner in partners.values() for page in partner["pages"]]
    return _template().render(
        programme=next((entry["programme"] for entry in listed), ""),
        partners=list(partners.values()),
        pages_n=sum(1 for page in pages if page["path"]),
        failed=[page for page in pages if page["failure"]],
        updated=manifest.get("updated", ""),
        tokens=_tokens(),
    )


def _page(entry):
    takeaways = entry.get("headlines", {}).get("takeaways", [])
    return {
        "title": entry["title"],
        "path": entry["path"],
        "produced": entry.get("produced", ""),
        "takeaway": takeaways[0].replace("**", "") if takeaways else "",
        "simulated": bool(entry.get("headlines", {}).get("simulated")),
        "failure": entry["failure"],
        "partner": entry["name"],
    }


@cache
def _tokens():
    from catchment.report import theme

    return {name: theme.variables(getattr(theme, name.upper())) for name in ("light", "dark", "print")}


@cache
def _template():
    import jinja2

    source = files("catchment.run").joinpath("template/index.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["day"] = lambda stamp: stamp[:10]
    return environment.from_string(source)
