"""The program scorecard's records: indicators by month, budget and actuals, standards evidence, services reached, milestones, risks.

Indicators are drawn month by month, 2021-2025, from a constant process (binomial, Poisson or normal), so that only what is planted here is
news. Budget lines cover fiscal years 2025 and 2026 (July to June): budget for all months, actuals through 2025-12. Their volumes are the
quarters of `volumes`, split over months by working days, so visits, fractions and cases agree with the growth report.

PLANTED TRUTH (`TRUTH`), which the scorecard must find:
tallgrass   No-shows shift up from 2025-03. Third-next-available fell at a declared step (a second oncologist, 2024-03) and still misses
            its target. Infusion volume falls short of budget. One operative-report audit is below 80 %: the gate is blocked.
riverbend   Vacancy shifts up from 2025-01; nurses come at agency prices. Research accrual is short; one standard has no evidence.
dunes       Denials jump in 2025-12. Distress screening improves from 2025-02. Drug prices exceed budget. Follow-up of cases is short.
northpoint  The wait for a chair rises every month of 2025 H2; nurse hours per visit exceed budget. No standard fails, one is at risk.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from . import scorecard_text, volumes, world

MONTHS = pd.date_range("2021-01-01", "2025-12-01", freq="MS")
TRUTH = {
    "tallgrass": {
        "concern": "no_show_share",
        "since": "2025-03",
        "step": ("third_next_days", "2024-03"),
        "blocked_by": "5.3",
        "line": "Infusion services",
        "variance": "volume",
    },
    "riverbend": {
        "concern": "vacancy_share",
        "since": "2025-01",
        "blocked_by": "9.1",
        "unknown": "7.2",
        "line": "Infusion nursing",
        "variance": "price",
    },
    "dunes": {
        "concern": "denial_share",
        "since": "2025-12",
        "improvement": "distress_share",
        "blocked_by": "6.5",
        "line": "Drugs",
        "variance": "price",
    },
    "northpoint": {
        "concern": "chair_wait_min",
        "since": "2025-07",
        "blocked_by": None,
        "at_risk": "5.8",
        "line": "Infusion nursing",
        "variance": "quantity",
    },
}

# Number of the draw: taken so that chance alone leaves no special cause in the newest month beside the planted ones.
DRAW = 9
# Shares: level, and what one month's denominator is (a volume of the partner, times a factor).
SHARES = {
    "no_show_share": (0.060, "visits", 1.15), "tumor_board_share": (0.38, "cases", 1.0), "distress_share": (0.72, "cases", 0.80),
    "chemo_admission_share": (0.115, "visits", 0.16), "chemo_ed_share": (0.062, "visits", 0.16), "accrual_share": (0.052, "cases", 1.0),
    "navigated_share": (0.70, "cases", 1.0), "top_box_share": (0.82, "visits", 0.09),
    "turnover_share": (0.014, "staff", 1.0), "denial_share": (0.088, "visits", 1.6), "transfer_share": (0.88, "cases", 0.30),
}  # fmt: skip
# Services whose reach is an indicator of its own.
COUNTED = {"Clinical trials": "accrual_share", "Navigation": "navigated_share"}
# Values: level and standard deviation of one month.
VALUES = {
    "third_next_days": (12.0, 1.3),
    "chair_wait_min": (21.0, 1.8),
    "first_contact_days": (4.1, 0.6),
    "hire_days": (71.0, 8.0),
    "receivable_days": (46.0, 1.9),
    "vacancy_share": (0.072, 0.009),
}
STAFF = {"tallgrass": 86, "riverbend": 24, "dunes": 61, "northpoint": 148}
LEVEL = {
    ("riverbend", "accrual_share"): 0.012, ("dunes", "accrual_share"): 0.055, ("northpoint", "accrual_share"): 0.064, ("northpoint", "third_next_days"): 8.2,
    ("northpoint", "navigated_share"): 0.83, ("riverbend", "navigated_share"): 0.58, ("tallgrass", "third_next_days"): 16.0, ("riverbend", "third_next_days"): 6.0,
}  # fmt: skip

# Lines of the budget: kind, volume that drives it, quantity per volume, dollars per quantity. Figures follow the growth report's economics.
LINES = {
    "Infusion services": ("revenue", "infusion_visits_n", 1.0, 640.0), "Drugs billed": ("revenue", "infusion_visits_n", 1.3, 3150.0),
    "Radiation treatment": ("revenue", "fractions_n", 1.0, 610.0), "Consults and diagnostics": ("revenue", "cases_n", 1.0, 3800.0),
    "Drugs": ("cost", "infusion_visits_n", 1.3, 2830.0), "Infusion nursing": ("cost", "infusion_visits_n", 1.6, 62.0),
    "Infusion supplies": ("cost", "infusion_visits_n", 1.0, 240.0), "Radiation therapists": ("cost", "fractions_n", 0.6, 58.0),
    "Radiation supplies": ("cost", "fractions_n", 1.0, 145.0), "Consults staff": ("cost", "cases_n", 14.0, 120.0),
    "Management and space": ("cost", None, 1.0, 0.0),
}  # fmt: skip
FIXED_USD = {"tallgrass": 260_000, "riverbend": 61_000, "dunes": 170_000, "northpoint": 420_000}
PLANNED_GROWTH = {"tallgrass": 1.09, "riverbend": 1.02, "dunes": 1.03, "northpoint": 1.08}
# What came differently: partner, line, part, factor.
DEVIATIONS = {
    ("riverbend", "Infusion nursing", "price"): 1.19, ("dunes", "Drugs", "price"): 1.065, ("northpoint", "Infusion nursing", "quantity"): 1.13,
    ("tallgrass", "Radiation therapists", "price"): 1.06, ("northpoint", "Drugs", "price"): 0.985,
}  # fmt: skip


def working_days(month: pd.Timestamp) -> int:
    return int(np.busday_count(month.date(), (month + pd.offsets.MonthBegin()).date()))


def monthly(partner: str) -> pd.DataFrame:
    """Visits, fractions and cases by month: each quarter's total split by working days, adding up to it."""
    quarters = pd.DataFrame(volumes.rows(partner))
    quarters = quarters.assign(**{c: pd.to_numeric(quarters[c]) for c in ("infusion_visits_n", "fractions_n", "cases_n")})
    totals = quarters.groupby(["year", "quarter"])[["infusion_visits_n", "fractions_n", "cases_n"]].sum()
    rows = []
    for (year, quarter), total in totals.iterrows():
        months = pd.date_range(f"{year}-{3 * quarter - 2:02d}-01", periods=3, freq="MS")
        weights = np.array([working_days(month) for month in months], float)
        parts = {
            name: np.diff(np.round(np.cumsum(weights / weights.sum()) * value), prepend=0).astype(int) for name, value in total.items()
        }
        rows.append(pd.DataFrame(parts, index=months))
    return pd.concat(rows)


def shares(partner: str, kpi: str, sizes: pd.DataFrame) -> pd.DataFrame:
    """Numerator and denominator of one share by month, with the planted change."""
    level, size, factor = SHARES[kpi]
    draw = world.random("kpis", DRAW, partner, kpi)
    mean = {
        "visits": sizes["infusion_visits_n"].rolling(3, min_periods=1).mean(),
        "cases": sizes["cases_n"],
        "staff": pd.Series(STAFF[partner], index=sizes.index),
    }[size]
    n = np.maximum((mean * factor).round().astype(int), 1)
    p = pd.Series(LEVEL.get((partner, kpi), level), index=sizes.index)
    truth = TRUTH[partner]
    if kpi == truth["concern"]:
        p[truth["since"] :] *= {"no_show_share": 1.55, "denial_share": 1.9}[kpi]
    if kpi == truth.get("improvement"):
        p["2025-02":] = 0.87
    return pd.DataFrame({"month": sizes.index, "numerator": draw.binomial(n, p), "denominator": n.to_numpy()})


def values(partner: str, kpi: str) -> pd.DataFrame:
    """One measured value by month, with the planted change."""
    level, deviation = VALUES[kpi]
    level = LEVEL.get((partner, kpi), level)
    found = pd.Series(level + world.random("kpis", DRAW, partner, kpi).normal(0, deviation, len(MONTHS)), index=MONTHS)
    if (partner, kpi) == ("tallgrass", "third_next_days"):
        found["2024-03":] -= 6.0
    if (partner, kpi) == ("northpoint", "chair_wait_min"):
        found["2025-06":] = 22.0 + 1.9 * np.arange(7)
    if (partner, kpi) == ("riverbend", "vacancy_share"):
        found["2025-01":] += 0.045
    digits = 4 if kpi.endswith("_share") else 1
    return pd.DataFrame({"month": MONTHS, "numerator": found.clip(lower=0.01).round(digits).to_numpy(), "denominator": np.nan})


def kpi_months() -> pd.DataFrame:
    """Grain: one row per partner, indicator and month."""
    rows = []
    for partner in world.PARTNERS:
        sizes = monthly(partner)
        found = {kpi: shares(partner, kpi, sizes) for kpi in SHARES} | {kpi: values(partner, kpi) for kpi in VALUES}
        visits = sizes["infusion_visits_n"].to_numpy() * 3
        complaints = world.random("kpis", partner, "complaints_per_1000").poisson(visits / 1000 * 2.4)
        found["complaints_per_1000"] = pd.DataFrame({"month": MONTHS, "numerator": complaints, "denominator": visits})
        rows += [frame.assign(partner=partner, kpi=kpi) for kpi, frame in found.items()]
    return pd.concat(rows)[["partner", "kpi", "month", "numerator", "denominator"]].sort_values(["partner", "kpi", "month"])


def budget_lines() -> pd.DataFrame:
    """Grain: one row per partner, month of fiscal years 2025 and 2026, and line; actuals are empty after 2025-12."""
    months = pd.date_range("2024-07-01", "2026-06-01", freq="MS")
    rows = []
    for partner in world.PARTNERS:
        actual = monthly(partner)
        for line, (kind, driver, quantity, price) in LINES.items():
            if driver and not actual[driver].any():
                continue
            draw = world.random("kpis", partner, "budget", line)
            for month in months:
                year = month.year + (month.month >= 7)
                before = actual[driver].get(month - pd.DateOffset(years=1), np.nan) if driver else 1.0
                planned = before * PLANNED_GROWTH[partner] if driver else 1.0
                now = actual[driver].get(month, np.nan) if driver else (1.0 if month <= MONTHS[-1] else np.nan)
                came = {part: DEVIATIONS.get((partner, line, part), 1.0) if year == 2026 else 1.0 for part in ("quantity", "price")}
                base = price if driver else float(FIXED_USD[partner])
                noise = draw.normal(1, 0.003, 2)
                over = pd.isna(now)
                rows.append({
                    "partner": partner, "fiscal_year": year, "fiscal_month": (month.month - 7) % 12 + 1, "month": month, "line": line, "kind": kind, "behavior": "variable" if driver else "fixed",
                    "budget_volume": round(planned, 1), "budget_quantity": quantity, "budget_price_usd": base,
                    "actual_volume": np.nan if over else now, "actual_quantity": np.nan if over else round(quantity * came["quantity"] * (noise[0] if driver and quantity != 1 else 1), 4),
                    "actual_price_usd": np.nan if over else round(base * came["price"] * noise[1], 2),
                })  # fmt: skip
    return pd.DataFrame(rows)


def service_access() -> pd.DataFrame:
    """Patients eligible for and reached by each supportive service in 2025. Grain: one row per partner, service and tumor site."""
    rows = []
    for partner in world.PARTNERS:
        cases = pd.DataFrame(volumes.rows(partner)).query("year == 2025").groupby("site")["cases_n"].sum()
        for service, (reached, eligible, low) in scorecard_text.SERVICES.items():
            draw = world.random("kpis", partner, "services", service)
            named = cases.reindex(list(eligible)).dropna()
            sites = (
                named if len(named) == len(eligible) else pd.concat([named, pd.Series({"All other sites": cases.drop(named.index).sum()})])
            )
            n = (sites * pd.Series(eligible)).round().astype(int)
            if service in COUNTED:
                # The same patients as in the indicator, told by site.
                months = shares(partner, COUNTED[service], monthly(partner)).query("month >= '2025-01-01'")
                count = draw.multivariate_hypergeometric(n.to_numpy(), int(months["numerator"].sum()))
            else:
                count = draw.binomial(n, reached * (0.55 if partner in low else 1.0))
            rows.append(
                pd.DataFrame(
                    {
                        "partner": partner,
                        "year": 2025,
                        "service": service,
                        "site": n.index,
                        "eligible_patients_n": n.to_numpy(),
                        "reached_patients_n": count,
                    }
                )
            )
    return pd.concat(rows)


def service_peers() -> pd.DataFrame:
    """The peer group's median reach. Grain: one row per service and tumor site."""
    rows = [{"service": service, "site": site, "year": 2024, "peer_hospitals_n": 26, "peer_median_share": round(reached * world.random("peers", service, site).normal(0.98, 0.03), 3)}
            for service, (reached, eligible, _) in scorecard_text.SERVICES.items() for site in eligible]  # fmt: skip
    return pd.DataFrame(rows)


def write(folder: Path) -> None:
    """Write the scorecard's tables below `folder/scorecard`, one file per partner, the same bytes every time."""
    out = folder / "scorecard"
    out.mkdir(parents=True, exist_ok=True)
    private = {"kpi_months": kpi_months(), "budget_lines": budget_lines(), "service_access": service_access()} | scorecard_text.tables()
    files = {f"{name}_{partner}": part for name, frame in private.items() for partner, part in frame.groupby("partner")}
    for name, frame in (files | {"service_peers": service_peers()}).items():
        (out / f"{name}.csv").write_text(frame.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d"))
