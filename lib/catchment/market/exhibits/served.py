"""Exhibits of who serves the market: shares and who gains, concentration and mergers, what residents keep, and where they go instead."""

import pandas as pd

from catchment import words
from catchment.page.exhibit import Claim, Exhibit
from catchment.page.report import Report
from catchment.params.market import Market
from catchment.stats.concentration import PRESUMED_DELTA, PRESUMED_SHARE

from ..shares import LEAVING, NETWORK, TERTIARY, Served
from .wording import CAUSE, FLOWS, OWNERS, exhibit, given, ranges, signed_points

SHARES, CONCENTRATION = "share-trend", "concentration"
LITTLE = 50  # index points; a smaller move of the HHI is not called one


def share_trend(report: Report, served: Served, name: str, first: int, last: int) -> Exhibit:
    """Trend of shares by system; `name` is the system that owns the hospital."""
    shown = report.protect(served.lead.drop(columns="cases_n"), sources=OWNERS)
    ours = words.share(served.mine["share"])
    place = rank(served.gained, name)
    return exhibit(
        SHARES,
        shown,
        share_title(served.gained, name, first),
        f"Share of Medicare stays of service-area residents by system, {first} to {last}",
        sources=OWNERS,
        note=_said(CAUSE, "Band: 95 % Wilson interval.", served.owners),
        claims=[
            Claim(ours, "share", f"year == {last} and system == {name!r}"),
            given(f"Number {place}", place, "all systems of the service area, of which the figure shows the largest"),
        ],
    )


def _said(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def rank(gained: pd.DataFrame, name: str) -> int:
    """Our place among the systems of `shares.gains`: 1 has the largest share."""
    return int((gained["share"] > gained.set_index("system").loc[name, "share"]).sum()) + 1


def share_title(gained: pd.DataFrame, name: str, since: int) -> str:
    """Title of the share trend."""
    row = gained[gained["system"] == name].iloc[0]
    verb = words.direction(row["gained_points_low"], row["gained_points_high"])
    return f"Number {rank(gained, name)} with {words.share(row['share'])}; our share {verb} since {since}"


def share_list(report: Report, served: Served, name: str, first: int, last: int, *, most: int = 10) -> Exhibit:
    """Table of the `most` largest systems with what their share can be at least and at most, and its change."""
    top = served.gained.head(most).rename(columns={"cases_n": "stays_n"})
    table = top.assign(
        between_share=ranges(top, "share", words.share),
        possible_share=ranges(top, "bound", words.share),
        moved_share=ranges(top, "gained_points", signed_points),
    )
    columns = ["system", "stays_n", "share", "between_share", "possible_share", "gained_points", "moved_share"]
    return exhibit(
        "share-by-system",
        report.protect(table[columns], sources=OWNERS),
        f"Share of stays by system in the service area, {last}, and change since {first}",
        sources=OWNERS,
        labels={"gained_points": f"Since {first}"},
        note=_said("Wilson intervals; change with Newcombe's interval.", CAUSE, served.owners),
        emphasize=name,
    )


def concentration(report: Report, served: Served, name: str, rules: Market) -> Exhibit:
    """Trend of the HHI; the title gives its class and direction. `name` is the hospital's."""
    shown, spread = report.protect(served.hhi, sources=FLOWS), served.spread
    first, last = shown.iloc[0], shown.iloc[-1]
    index, year = f"HHI {words.count(last['hhi'])}", int(last["year"])
    move = "little changed" if abs(last["hhi"] - first["hhi"]) < LITTLE else "rising" if last["hhi"] > first["hhi"] else "falling"
    classes = f"{words.count(rules.hhi_moderate.value)} and {words.count(rules.hhi_high.value)}"
    least = report.threshold(FLOWS)
    drawn = (
        f"With suppressed flows drawn from 1 to {least - 1} around their estimates, the {year} index lies between"
        f" {words.count(spread[0])} and {words.count(spread[1])} (95 % of draws)."
    )
    return exhibit(
        CONCENTRATION,
        shown,
        f"The market is {last['market']}: {index}, {move} since {int(first['year'])}",
        f"Herfindahl-Hirschman index by system, service area of {name}",
        sources=FLOWS,
        note=_said(f"Classes of the 2023 merger guidelines: {classes}.", drawn if least else "", served.owners),
        claims=[Claim(index, "hhi", f"year == {year}")],
    )


def faced(report: Report, served: Served, name: str, year: int) -> Exhibit:
    """Table of the concentration that each hospital's patients face; the hospital `name` is emphasized."""
    table = served.faced.rename(columns={"cases_n": "stays_n", "hhi": "patient_flow_hhi"})
    return exhibit(
        "concentration-faced",
        report.protect(table, sources=FLOWS),
        f"Concentration that each hospital's patients face, {year}",
        sources=FLOWS,
        note=f"Kessler and McClellan: the HHI of each ZIP (by system), weighted by where the hospital's patients live. {CAUSE}",
        emphasize=name,
    )


def mergers(report: Report, served: Served, name: str, rules: Market) -> Exhibit:
    """Table of what mergers of the system `name` would do to the HHI."""
    delta, joint = words.count(PRESUMED_DELTA), words.share(PRESUMED_SHARE, digits=0)
    return exhibit(
        "mergers",
        report.protect(served.merged, sources=FLOWS),
        f"If {name} merged with one of the largest systems",
        sources=FLOWS,
        note=f"Change of HHI: 2 x share x share. Presumption of the 2023 guidelines: above {words.count(rules.hhi_high.value)} and a change"
        f" above {delta}, or a joint share above {joint} and a change above {delta}."
        f"{' ' if served.owners else ''}{served.owners}",
    )


def shift(report: Report, served: Served, name: str, first: int, last: int) -> Exhibit:
    """Bridge of the shift-share of hospital `name`; a term of few stays is said as "fewer than" the least that may be shown."""
    shown, least = report.protect(served.moved, sources=FLOWS), report.threshold(FLOWS)
    growth, gain = shown.set_index("step")["stays"][["Market growth", "Share"]]
    market, ours = (words.people(round(abs(term)), "stay", below=least) for term in (growth, gain))
    ours = ours.removesuffix(" stays").removesuffix(" stay")
    grown, won = growth >= 0, gain >= 0
    head = f"A larger market brought us {market}" if grown else f"A smaller market cost us {market}"
    tail = f"{'gained' if won else 'lost'} share {'another' if grown == won else 'brought' if won else 'cost'} {ours}"
    return exhibit(
        "shift-share",
        shown,
        f"{head}, {tail}",
        f"Stays of service-area residents at {name}, {first} to {last}: shift-share (Dunn)",
        sources=FLOWS,
        note=f"Market growth, mix and share add up to the change exactly. {CAUSE}",
        claims=[_term(head, market, "Market growth", least), _term(tail, ours, "Share", least)],
    )


def _term(said: str, amount: str, step: str, least: int) -> Claim:
    """The claim of one term of the bridge, or of the threshold that hides it."""
    if amount.startswith("fewer than"):
        return given(said, least, "the least count of stays that may be shown")
    return Claim(said, "stays", f"step == {step!r}")


def kept(report: Report, served: Served, ours: list[str], first: int, last: int) -> Exhibit:
    """Where residents are treated: the network's part in the last year, and that of tertiary centers."""
    shown = report.protect(served.keep.drop(columns="cases_n"), sources=OWNERS)
    part = shown[shown["year"] == last].set_index("kind")["share"].map(lambda share: words.share(share, digits=0))
    title, claims = "Our network treats none of the residents in published flows", list[Claim]()
    if NETWORK in part:
        tail = f", tertiary centers take {part[TERTIARY]}" if TERTIARY in part else ""
        title = f"Our network keeps {part[NETWORK]} of stays{tail}"
        claims = [Claim(part[kind], "share", f"year == {last} and kind == {kind!r}") for kind in (NETWORK, TERTIARY) if kind in part]
    return exhibit(
        "kept-in-network",
        shown,
        title,
        f"Where service-area residents' Medicare stays are treated, {first} to {last}",
        sources=OWNERS,
        note=_said(CAUSE, f"Our network: {words.listing(ours)}.", served.owners),
        claims=claims,
    )


def destinations(report: Report, served: Served, *, most: int = 12) -> Exhibit:
    """The `most` hospitals that residents leave for; the title is of all of them."""
    out, year = served.out, int(served.keep["year"].max())
    kept_now = (served.keep["year"] == year) & (served.keep["kind"] == NETWORK)
    away = 1 - served.keep.loc[kept_now, "share"].sum()
    part = out.loc[out["kind"] == "addressable", "share"].sum()
    gone, addressable = (words.share(value, digits=0) for value in (away, part))
    return exhibit(
        "destinations",
        report.protect(out.head(most)[LEAVING], sources=OWNERS),
        f"{gone} of stays go elsewhere, {addressable} of them addressable"
        if len(out)
        else "No residents leave for other hospitals in the published flows",
        f"Share of the stays that leave our network, by hospital, with 95 % interval, {year}",
        sources=OWNERS,
        note=CAUSE,
        claims=[
            given(gone, away, "all stays of residents less those in our network"),
            given(addressable, part, "all hospitals that residents leave for, of which the figure shows the largest"),
        ]
        if len(out)
        else [],
    )
