"""What a stream of money is worth: contribution, present value, return, payback, break-even.

Definitions used
----------------
Time zero
    ``values[0]`` happens today and isn't discounted: NPV = sum of ``values[t] / (1 + rate)**t`` from t = 0. Excel's NPV() discounts
    its first value by one period, so ``npv(r, [c0, c1, ...])`` here equals ``c0 + NPV(r, c1, ...)`` there.
Sign
    Money received is positive, money spent negative. Rates are fractions per period (0.08, not 8).
Nominal
    Rates and flows must both be nominal or both be real; nothing here converts one into the other.
Payment
    Level payments follow Excel's signs: a loan received is positive, its payments negative. ``when`` says whether a payment falls on the
    ``end`` of its period (ordinary, in arrears) or its ``begin`` (due, in advance, as leases are mostly paid).
Contribution margin
    Net revenue less variable cost. The margin on drugs is kept apart: it follows price policy (ASP + 6 %, 340B), not volume alone.

Internal rates come from pyxirr: of the two candidates it's the one still released (numpy-financial's last version is of 2019), and
measured on a five-value stream it takes 3 microseconds against 93. NPV is ours, because it must run over the whole simulation at once.

Known bias: IRR supposes that receipts are reinvested at the IRR itself and flatters early receipts; MIRR says at which rate instead.
Payback ignores everything after the line is crossed.
"""

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyxirr
from numpy.typing import ArrayLike

When = Literal["end", "begin"]


class SeveralRates(UserWarning):
    """The flows change sign more than once, so more than one rate may bring their present value to zero."""


def _flows(values: ArrayLike) -> np.ndarray:
    flows = np.asarray(values, dtype=float)
    if flows.ndim == 0 or flows.shape[-1] == 0:
        raise ValueError("cash flows: expected one value per period, found none")
    if not np.isfinite(flows).all():
        raise ValueError("cash flows: expected a number in every period, found a missing value or one without end")
    return flows


def _rate(rate: ArrayLike, what: str = "discount rate") -> np.ndarray:
    rates = np.asarray(rate, dtype=float)
    if not (rates > -1).all():
        raise ValueError(f"{what}: expected more than -1 (-100 %), found {rates.min()}")
    return rates


def _begins(when: str) -> bool:
    """Whether payments fall on the beginning of their periods."""
    if when not in ("end", "begin"):
        raise ValueError(f"payments: expected when as one of end, begin, found {when!r}")
    return when == "begin"


def _periods(periods: float) -> int:
    if periods < 0 or periods != int(periods):
        raise ValueError(f"payments: expected 0 or more periods, a whole number, found {periods}")
    return int(periods)


def npv(rate: ArrayLike, values: ArrayLike) -> float | np.ndarray:
    """Net present value with the first value at t = 0.

    Parameters
    ----------
    rate
        Discount rate per period; an array gives one present value for each.
    values
        Cash flows in equal steps along the last axis; leading axes (draws, scenarios) are kept.

    References
    ----------
    Brealey, Myers, Allen, Principles of Corporate Finance, ch. 2.
    """
    flows = _flows(values)
    rates = _rate(rate)
    factors = (1 + rates[..., None]) ** -np.arange(flows.shape[-1])
    worth = (flows * factors).sum(axis=-1)
    return float(worth) if worth.ndim == 0 else worth


def sign_changes(values: ArrayLike) -> int:
    """How often the flows turn from paying to receiving or back, zeros left out (Descartes' bound on the number of IRRs)."""
    signs = np.sign(_flows(values))
    signs = signs[signs != 0]
    return int((signs[1:] != signs[:-1]).sum())


def irr_roots(values: ArrayLike) -> np.ndarray:
    """Every rate above -100 % at which the net present value is zero, ascending."""
    roots = np.roots(_flows(values))
    # A rate that counts twice comes out as two close ones, or as two with a tiny imaginary part.
    near = np.sort(np.real(roots[(np.abs(np.imag(roots)) < 1e-6 * np.maximum(1, np.abs(roots))) & (np.real(roots) > 1e-9)]))
    apart = np.diff(near, prepend=-np.inf) > 1e-6
    return np.round(near[apart] - 1, 6 if apart.sum() < near.size else 10)


def irr(values: ArrayLike) -> float:
    """Internal rate of return per period; missing when the flows never change sign or no rate exists.

    Warns
    -----
    SeveralRates
        When the flows change sign more than once: the rate is then not a measure of return; use `mirr` or `npv`.
    """
    flows = _flows(values)
    changes = sign_changes(flows)
    if changes == 0:
        return float("nan")
    if changes > 1:
        rates = ", ".join(f"{root:.4f}" for root in irr_roots(flows)) or "none"
        warnings.warn(f"the flows change sign {changes} times; rates with a present value of zero: {rates}", SeveralRates, stacklevel=2)
    rate = pyxirr.irr(flows, silent=True)
    return float("nan") if rate is None else float(rate)


def mirr(values: ArrayLike, finance_rate: float, reinvest_rate: float) -> float:
    """Modified internal rate of return: outlays financed at one rate, receipts reinvested at another until the last period."""
    flows = _flows(values)
    _rate(finance_rate, "finance rate")
    _rate(reinvest_rate, "reinvestment rate")
    if sign_changes(flows) == 0:
        return float("nan")
    rate = pyxirr.mirr(flows, finance_rate, reinvest_rate)
    return float("nan") if rate is None else float(rate)


def payback(values: ArrayLike) -> float:
    """Periods until the running total stays at or above zero, linear inside the period; missing when it never does.

    The last crossing counts: a project that pays back and then falls into the red again hasn't paid back yet.
    """
    flows = _flows(values)
    total = flows.cumsum()
    below = np.flatnonzero(total < -1e-9)
    if below.size == 0:
        return 0.0
    last = int(below[-1])
    if last == len(flows) - 1:
        return float("nan")
    return last + float(-total[last] / flows[last + 1])


def discounted_payback(rate: float, values: ArrayLike) -> float:
    """Payback of the flows discounted to t = 0."""
    flows = _flows(values)
    return payback(flows / (1 + _rate(rate)) ** np.arange(len(flows)))


def profitability_index(rate: float, values: ArrayLike, *, investment: ArrayLike | None = None) -> float:
    """Present value of what comes back over the present value of what is invested; 1 breaks even, missing without an investment.

    Parameters
    ----------
    values
        Net flows including the investment, as for `npv`.
    investment
        Outlays as positive amounts in the same periods; without it the investment is ``-values[0]``.
    """
    flows = _flows(values)
    invested = -float(flows[0]) if investment is None else float(npv(rate, investment))
    return 1 + float(npv(rate, flows)) / invested if invested > 0 else float("nan")


def break_even_volume(fixed_cost: float, contribution_per_case: float) -> float:
    """Cases at which contribution covers the fixed cost; missing when a case contributes nothing."""
    if fixed_cost < 0:
        raise ValueError(f"break-even: expected a fixed cost of 0 or more, found {fixed_cost}")
    return fixed_cost / contribution_per_case if contribution_per_case > 0 else float("nan")


def _dated(values: ArrayLike, dates: Sequence) -> tuple[np.ndarray, list]:
    flows, days = _flows(values), [day.date() for day in pd.to_datetime(list(dates))]
    if len(flows) != len(days):
        raise ValueError(f"dated flows: expected one date per value, found {len(flows)} values and {len(days)} dates")
    if min(days) < days[0]:
        raise ValueError(f"dated flows: expected no date before the first ({days[0]}), found {min(days)}")
    return flows, days


def xnpv(rate: float, values: ArrayLike, dates: Sequence) -> float:
    """Net present value at the first date of flows on given dates, actual days / 365 (Excel's XNPV)."""
    flows, days = _dated(values, dates)
    years = np.array([(day - days[0]).days for day in days]) / 365
    return float((flows / (1 + _rate(rate)) ** years).sum())


def xirr(values: ArrayLike, dates: Sequence) -> float:
    """Annual rate at which `xnpv` is zero (Excel's XIRR). Warns as `irr`.

    Missing when the days' sums never change sign: flows of a single day cancel or not, whatever the rate is.
    """
    flows, days = _dated(values, dates)
    sums = pd.Series(flows, index=pd.DatetimeIndex(days)).groupby(level=0).sum()
    changes = sign_changes(sums.where(sums.abs() > 1e-9 * np.abs(flows).max(), 0.0))
    if changes == 0:
        return float("nan")
    if changes > 1:
        warnings.warn(f"the dated flows change sign {changes} times; more than one rate may exist", SeveralRates, stacklevel=2)
    rate = pyxirr.xirr(days, flows, silent=True)
    return float("nan") if rate is None else float(rate)


def present_value(rate: float, payments: ArrayLike, *, when: When = "end") -> float:
    """Worth today of payments in equal steps: the first after one period (``end``, ordinary) or today (``begin``, due)."""
    due = float(npv(rate, payments))
    return due if _begins(when) else due / (1 + rate)


def annuity(rate: float, periods: int, payment: float, *, when: When = "end") -> float:
    """Worth today of the same payment in each of a number of periods, ordinary (``end``) or due (``begin``)."""
    begins, count = _begins(when), _periods(periods)
    return present_value(rate, np.full(count, float(payment)), when="begin" if begins else "end") if count else 0.0


def payment(rate: float, periods: int, present: float, *, future: float = 0.0, when: When = "end") -> float:
    """The level payment that settles ``present`` over a number of periods and leaves ``future`` (Excel's PMT, its signs).

    Parameters
    ----------
    rate
        Interest per period: a yearly rate over 12 for monthly payments.
    present
        Amount owed today, US dollars: positive for a loan received.
    future
        What is left after the last payment, such as a lease's residual (negative) or a savings goal (positive).
    """
    begins, count = _begins(when), _periods(periods)
    if count == 0:
        raise ValueError("payments: expected at least one period, found 0")
    growth = np.log1p(float(_rate(rate, "interest rate")))
    worth = -np.expm1(-count * growth) / rate if rate else float(count)  # of one dollar in each period
    return float(-(present + future * np.exp(-count * growth)) / worth / (1 + rate * begins))


def schedule(rate: float, periods: int, present: float, *, future: float = 0.0, when: When = "end") -> pd.DataFrame:
    """A loan or a lease period by period: what of each level payment is interest (Excel's IPMT), what pays down (PPMT), what is still owed.

    Returns
    -------
    One row per period from 1: ``period, payment_usd, interest_usd, principal_usd`` (in Excel's signs)``, balance_usd`` (owed after the
    period's payment, positive for a loan received). The last balance is ``-future``; in advance it grows to that by the period's end.
    """
    level, begins = payment(rate, periods, present, future=future, when=when), _begins(when)
    owed, rows = float(present), []
    for period in range(1, _periods(periods) + 1):
        interest = 0.0 if begins and period == 1 else -owed * rate
        owed += level - interest
        rows.append((period, level, interest, level - interest, owed))
    return pd.DataFrame(rows, columns=["period", "payment_usd", "interest_usd", "principal_usd", "balance_usd"])


def implicit_rate(periods: int, payment: float, present: float, *, future: float = 0.0, when: When = "end") -> float:
    """The rate per period that a lease or loan charges (Excel's RATE): `payment` at this rate is the payment; missing when there is none.

    Parameters
    ----------
    payment, present, future
        In Excel's signs: for a lease the price of what is leased is positive, payments and residual negative.
    """
    begins, count = _begins(when), _periods(periods)
    flows = np.full(count + 1, float(payment))
    flows[-1 if begins else 0] = 0.0
    flows[0] += present
    flows[-1] += future
    return irr(flows)


def lease_advantage(rate: float, price: float, payments: ArrayLike, *, residual: float = 0.0, when: When = "begin") -> float:
    """What leasing saves against buying, US dollars of today: the price less the present value of the payments and of the residual.

    No taxes: for a hospital that pays none. Costs that fall either way (service, insurance) are left out.

    Parameters
    ----------
    rate
        What borrowing costs per period, for a lease displaces a loan.
    price
        What buying would cost today, US dollars, positive.
    payments
        The lease's payments in equal steps, positive.
    residual
        What an owner would still have after the last period, US dollars.

    References
    ----------
    Brealey, Myers, Allen, Principles of Corporate Finance, ch. 25 (Leasing).
    """
    count = len(_flows(payments))
    return float(price) - present_value(rate, payments, when=when) - residual / (1 + float(_rate(rate))) ** count


def appraisal(
    rate: float, values: ArrayLike, *, investment: ArrayLike | None = None, finance_rate: float, reinvest_rate: float
) -> dict[str, float]:
    """The usual measures of one stream of yearly flows: NPV, IRR, MIRR, paybacks (years), profitability index.

    The IRR is missing when the flows change sign more than once: the page shows the MIRR and the number of changes instead.
    """
    changes = sign_changes(values)
    return {
        "npv_usd": float(npv(rate, values)),
        "irr_share": irr(values) if changes == 1 else float("nan"),
        "mirr_share": mirr(values, finance_rate, reinvest_rate),
        "payback_years": payback(values),
        "discounted_payback_years": discounted_payback(rate, values),
        "profitability_index": profitability_index(rate, values, investment=investment),
        "sign_changes": changes,
    }


def contribution(volumes: pd.DataFrame, economics: pd.DataFrame) -> pd.DataFrame:
    """Contribution margin, the margin on drugs apart.

    Parameters
    ----------
    volumes
        One row per measure (and any other key): ``measure, volume_n``.
    economics
        One row per measure, US dollars per unit: ``measure, revenue_usd, variable_usd, drug_revenue_usd, drug_cost_usd``.

    Returns
    -------
    The rows of ``volumes`` with ``revenue_usd, variable_usd, service_margin_usd, drug_margin_usd, contribution_usd, contribution_share``
    (contribution over all net revenue, drugs included).
    """
    unit = volumes[["measure"]].merge(economics, on="measure", how="left", validate="m:1")
    unknown = unit.loc[unit["revenue_usd"].isna(), "measure"].unique()
    if len(unknown):
        raise ValueError(f"economics: expected a row for each measure, found none for {', '.join(map(str, unknown))}")
    count = volumes["volume_n"].to_numpy()
    service = count * (unit["revenue_usd"] - unit["variable_usd"]).to_numpy()
    drugs = count * (unit["drug_revenue_usd"] - unit["drug_cost_usd"]).to_numpy()
    revenue = count * (unit["revenue_usd"] + unit["drug_revenue_usd"]).to_numpy()
    return volumes.assign(
        revenue_usd=revenue,
        variable_usd=revenue - service - drugs,
        service_margin_usd=service,
        drug_margin_usd=drugs,
        contribution_usd=service + drugs,
        contribution_share=np.divide(service + drugs, revenue, out=np.full(len(volumes), np.nan), where=revenue != 0),
    )
