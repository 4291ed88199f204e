"""The landing page of one partner: its pages with what they say, indicators, what changed, data vintages, earlier runs."""

from typing import Any

from . import frame, movement


def render(
    partner: str, facts: dict[str, Any], entries: list[dict[str, Any]], vintages: dict[str, Any], *, kept: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    """`<partner>/index.html`; with `kept`, the one that goes with pages kept of an earlier run."""
    pages = [_page(entry) for entry in sorted(entries, key=lambda entry: (entry["order"], entry["notebook"]))]
    used = {name for entry in entries for name in entry.get("vintages", ())}
    return frame.render(
        "landing.html.j2", id=partner, partner=facts, pages=pages, kept=kept, earlier=[] if kept else facts["earlier"],
        vintages=sorted((vintages[name] for name in used), key=lambda each: each["title"]),
        simulated=sum(page["simulated"] for page in pages),
        failed=[page for page in pages if page["failure"]], changed=[page for page in pages if page["changes"] or page["news"]],
    )  # fmt: skip


def _page(entry: dict[str, Any]) -> dict[str, Any]:
    """What the landing page shows of one page."""
    headlines = entry.get("headlines", {})
    return {
        "title": entry["title"],
        "file": entry["path"] and entry["path"].rpartition("/")[2],
        "attachments": [
            {"file": file["path"].rpartition("/")[2], "ending": ending, "bytes": file["bytes"]}
            for ending, file in entry.get("attachments", {}).items()
        ],
        "produced": entry.get("produced", ""),
        "takeaways": headlines.get("takeaways", []),
        "kpis": headlines.get("kpis", []),
        "simulated": bool(headlines.get("simulated")),
        "stale": headlines.get("stale", []),
        "failure": entry["failure"],
        "before": entry.get("before"),
        "changes": movement.changes(entry),
        "news": movement.news(entry) if entry["path"] else [],
    }
