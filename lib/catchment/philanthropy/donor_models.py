"""What donors will do: BG/BB for yearly giving, BG/NBD for dated gifts, gamma-gamma for the value of a gift.

Definitions
-----------
*BG/BB*: each year a living donor gives with an own probability and after it leaves for good with an own probability;
both vary over donors as beta distributions. It needs per donor only `frequency` x (years with a gift after the first
year), `recency` t_x (the last such year, 0 if none) and `periods` n (years observed). *BG/NBD* is the same idea in
continuous time: x repeat gifts, the last at t_x, observed for T. *P(alive)* is the probability of not having left.

Known bias: both models assume that giving is steady while a donor lives and that nobody returns after leaving, and they
know nothing of appeals, capacity or the economy. The page uses BG/BB and shows it with a check on a year held out.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, special
from scipy.special import betaln, gammaln

from .giving import annual


class FitError(ValueError):
    """The likelihood could not be maximized: too few donors, or no repeat giving to learn from."""


def _positive(model: "BGBB | BGNBD | GammaGamma", *names: str) -> None:
    for name in names:
        if not getattr(model, name) > 0:
            raise ValueError(f"{type(model).__name__} needs {name} above 0, found {getattr(model, name)}")


def _record(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, yearly: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Records as arrays of one shape, refused where they cannot be: of years, or of time in any unit."""
    x, t, n = np.broadcast_arrays(*(np.asarray(value, dtype="float64") for value in (frequency, recency, age)))
    good = (x >= 0) & (t >= 0) & (t <= n)
    if yearly:
        good &= (x <= t) & ((x > 0) | (t == 0))
    if not good.all():
        first = np.flatnonzero(~good)[0]
        rule = "frequency <= recency <= periods, and recency 0 where frequency is" if yearly else "recency <= age, and frequency 0 or more"
        raise ValueError(
            f"a record needs 0 <= {rule}; found frequency {x.flat[first]:g}, recency {t.flat[first]:g}, observed {n.flat[first]:g}"
        )
    return x, t, n


@dataclass(frozen=True)
class BGBB:
    """BG/BB parameters: `alpha`, `beta` of the giving probability, `gamma`, `delta` of the leaving probability.

    Its methods raise ValueError for a record that cannot be: more gifts than years, a last gift after the last year.

    References
    ----------
    Fader, Hardie and Shang 2010, Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science 29(6).
    """

    alpha: float
    beta: float
    gamma: float
    delta: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        _positive(self, "alpha", "beta", "gamma", "delta")

    def p_alive(self, frequency: ArrayLike, recency: ArrayLike, periods: ArrayLike) -> np.ndarray:
        """Probability that a donor is still alive in the year after the `periods` observed (equation 11)."""
        x, n = np.asarray(frequency, dtype="float64"), np.asarray(periods, dtype="float64")
        log = (
            betaln(self.alpha + x, self.beta + n - x)
            - betaln(self.alpha, self.beta)
            + betaln(self.gamma, self.delta + n + 1)
            - betaln(self.gamma, self.delta)
        )
        return np.exp(log - _bgbb_log(self, frequency, recency, periods))

    def expected_gifts(self, frequency: ArrayLike, recency: ArrayLike, periods: ArrayLike, *, years: float = 1) -> np.ndarray:
        """Expected years with a gift in the next `years`, given the donor's record (equation 13)."""
        a, b, g, d = self.alpha, self.beta, self.gamma, self.delta
        x, n = np.asarray(frequency, dtype="float64"), np.asarray(periods, dtype="float64")
        given = betaln(a + x + 1, b + n - x) - betaln(a, b) - _bgbb_log(self, frequency, recency, periods)
        scale = gammaln(g + d) - gammaln(1 + d)
        tail = np.exp(scale + gammaln(1 + d + n) - gammaln(g + d + n)) - np.exp(
            scale + gammaln(1 + d + n + years) - gammaln(g + d + n + years)
        )
        return np.exp(given) * d / (g - 1) * tail if abs(g - 1) > 1e-9 else self._expected_by_sum(given, n, years)

    def _expected_by_sum(self, given: np.ndarray, n: np.ndarray, years: float) -> np.ndarray:
        terms = [np.exp(betaln(self.gamma, self.delta + n + step) - betaln(self.gamma, self.delta)) for step in range(1, int(years) + 1)]
        return np.exp(given) * np.sum(terms, axis=0)

    def expected_from_start(self, years: float) -> float:
        """Expected years with a gift in the first `years` after a donor's first gift (equation 9)."""
        steps = np.arange(1, int(years) + 1)
        alive = np.exp(betaln(self.gamma, self.delta + steps) - betaln(self.gamma, self.delta))
        return float(self.alpha / (self.alpha + self.beta) * alive.sum())


def _bgbb_log(model: BGBB, frequency: ArrayLike, recency: ArrayLike, periods: ArrayLike) -> np.ndarray:
    """Log likelihood of each record (equation 7)."""
    a, b, g, d = model.alpha, model.beta, model.gamma, model.delta
    x, t, n = _record(frequency, recency, periods, yearly=True)
    total = betaln(a + x, b + n - x) - betaln(a, b) + betaln(g, d + n) - betaln(g, d)
    for step in range(int(np.max(n - t, initial=0))):
        left = betaln(a + x, b + t - x + step) - betaln(a, b) + betaln(g + 1, d + t + step) - betaln(g, d)
        total = np.where(step <= n - t - 1, np.logaddexp(total, left), total)
    return total


def bgbb_log_likelihood(
    parameters: Sequence[float], frequency: ArrayLike, recency: ArrayLike, periods: ArrayLike, weights: ArrayLike = 1
) -> float:
    """Log likelihood of BG/BB `parameters` (alpha, beta, gamma, delta) for records counted `weights` times."""
    return float((_bgbb_log(BGBB(*parameters), frequency, recency, periods) * np.asarray(weights)).sum())


def fit_bgbb(frequency: ArrayLike, recency: ArrayLike, periods: ArrayLike, weights: ArrayLike | None = None) -> BGBB:
    """Maximum likelihood BG/BB.

    Parameters
    ----------
    frequency, recency, periods : one value per record; see the module's definitions.
    weights : donors with that record; equal records are pooled before fitting, so a million donors cost little.

    Raises
    ------
    FitError : nobody gave again, or the optimizer failed.
    ValueError : a record that cannot be.
    """
    table = _pooled(*_record(frequency, recency, periods, yearly=True), weights)
    columns = [table[name].to_numpy(dtype="float64") for name in ("x", "t", "n", "weights")]
    best = _maximize(lambda parameters: bgbb_log_likelihood(parameters, *columns), ((1.0, 1.0, 1.0, 2.0), (0.5, 0.5, 0.5, 0.5)), table)
    return replace(BGBB(*best[0]), log_likelihood=best[1])


@dataclass(frozen=True)
class BGNBD:
    """BG/NBD parameters: `r`, `alpha` (same time unit as the data) of the giving rate, `a`, `b` of the leaving probability.

    References
    ----------
    Fader, Hardie and Lee 2005, "Counting Your Customers" the Easy Way, Marketing Science 24(2).
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        _positive(self, "r", "alpha", "a", "b")

    def p_alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> np.ndarray:
        """Probability of still being a donor; 1 by construction for one without a repeat gift."""
        x, t, age = _record(frequency, recency, age)
        log = np.log(self.a / (self.b + np.maximum(x, 1) - 1)) + (self.r + x) * np.log((self.alpha + age) / (self.alpha + t))
        return np.where(x > 0, special.expit(-log), 1.0)

    def expected_gifts(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, horizon: float) -> np.ndarray:
        """Expected gifts in the next `horizon` time units, given the donor's record (equation 10)."""
        x, t, age = _record(frequency, recency, age)
        r, alpha, a, b = self.r, self.alpha, self._a, self.b
        hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
        grown = (a + b + x - 1) / (a - 1) * (1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x) * hyper)
        return grown * self.p_alive(x, t, age)

    def expected_from_start(self, horizon: float) -> float:
        """Expected repeat gifts in the first `horizon` time units after the first gift (equation 9)."""
        r, alpha, a, b = self.r, self.alpha, self._a, self.b
        hyper = special.hyp2f1(r, b, a + b - 1, horizon / (alpha + horizon))
        return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + horizon)) ** r * hyper))

    @property
    def _a(self) -> float:
        """`a`, kept off 1, where the closed forms divide by zero though their limit is finite."""
        return self.a + 1e-7 if abs(self.a - 1) < 1e-7 else self.a


def bgnbd_log_likelihood(
    parameters: Sequence[float], frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, weights: ArrayLike = 1
) -> float:
    """Log likelihood of BG/NBD `parameters` (r, alpha, a, b) for records counted `weights` times (equation 6)."""
    model = BGNBD(*parameters)
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, t, age = _record(frequency, recency, age)
    front = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b)
    alive = -(r + x) * np.log(alpha + age)
    gone = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t), -np.inf)
    return float(((front + np.logaddexp(alive, gone)) * weights).sum())


def fit_bgnbd(frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, weights: ArrayLike | None = None) -> BGNBD:
    """Maximum likelihood BG/NBD; times in any one unit (weeks or months are usual). Arguments and errors as `fit_bgbb`."""
    table = _pooled(*_record(frequency, recency, age), weights)
    columns = [table[name].to_numpy(dtype="float64") for name in ("x", "t", "n", "weights")]
    unit = float(np.median(columns[2]))
    best = _maximize(
        lambda parameters: bgnbd_log_likelihood(parameters, *columns), ((0.5, unit / 4, 0.8, 2.5), (1.0, unit, 0.5, 1.0)), table
    )
    return replace(BGNBD(*best[0]), log_likelihood=best[1])


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-gamma model of gift size: `p`, `q`, `v`.

    References
    ----------
    Fader and Hardie 2013, The Gamma-Gamma Model of Monetary Value.
    """

    p: float
    q: float
    v: float
    log_likelihood: float = float("nan")

    def __post_init__(self) -> None:
        _positive(self, "p", "q", "v")

    def expected_value(self, gifts: ArrayLike, mean: ArrayLike) -> np.ndarray:
        """Expected size of a donor's gifts, a mean of the donor's own average and everybody's (equation 5)."""
        x, mean = np.asarray(gifts, dtype="float64"), np.asarray(mean, dtype="float64")
        return self.p * (self.v + x * mean) / (self.p * x + self.q - 1)


def gamma_gamma_log_likelihood(parameters: Sequence[float], gifts: ArrayLike, mean: ArrayLike, weights: ArrayLike = 1) -> float:
    """Log likelihood of gamma-gamma `parameters` (p, q, v) for donors with `gifts` gifts of average size `mean` above 0."""
    model = GammaGamma(*parameters)
    p, q, v = model.p, model.q, model.v
    x, m = np.asarray(gifts, dtype="float64"), np.asarray(mean, dtype="float64")
    parts = (
        gammaln(p * x + q)
        - gammaln(p * x)
        - gammaln(q)
        + q * np.log(v)
        + (p * x - 1) * np.log(m)
        + p * x * np.log(x)
        - (p * x + q) * np.log(x * m + v)
    )
    return float((parts * weights).sum())


def fit_gamma_gamma(gifts: ArrayLike, mean: ArrayLike) -> GammaGamma:
    """Maximum likelihood gamma-gamma for donors with at least one gift.

    Raises
    ------
    FitError : fewer than ten donors, or the optimizer failed.
    """
    x, m = np.asarray(gifts, dtype="float64"), np.asarray(mean, dtype="float64")
    if len(x) < 10 or (m <= 0).any() or (x <= 0).any():
        raise FitError("the gamma-gamma model needs ten donors or more, each with positive gifts")
    unit = float(np.median(m))
    step = len(x) // 10_000 + 1  # every k-th donor: ten thousand fix three parameters to about 2 %
    x, m = x[::step], m[::step]
    table = pd.DataFrame({"x": x, "t": x, "n": m, "weights": 1.0})
    best = _maximize(
        lambda parameters: gamma_gamma_log_likelihood((parameters[0], parameters[1] + 1, parameters[2] * unit), x, m),
        ((2.0, 1.5, 1.0), (1.0, 1.0, 0.5)),
        table,
    )
    (p, q, v), value = best
    return GammaGamma(p, q + 1, v * unit, value)


def _pooled(x: np.ndarray, t: np.ndarray, n: np.ndarray, weights: ArrayLike | None) -> pd.DataFrame:
    table = pd.DataFrame({"x": x, "t": t, "n": n, "weights": 1.0 if weights is None else np.asarray(weights, dtype="float64")})
    return table.groupby(["x", "t", "n"], as_index=False)["weights"].sum()


def _maximize(log_likelihood: Callable, starts: tuple, table: pd.DataFrame) -> tuple[tuple, float]:
    """Best of several starts over the logarithms of the parameters, bounded so that none runs off to infinity."""
    if table["weights"].sum() < 10 or not (table["x"] > 0).any():
        raise FitError("the model needs ten donors or more, and some who gave again")
    scale, runs = table["weights"].sum(), []
    options = {"ftol": 1e-12, "gtol": 1e-7, "maxiter": 1000}
    search = {"method": "L-BFGS-B", "bounds": [(-9.0, 9.0)] * len(starts[0]), "options": options}
    for start in starts:
        runs.append(optimize.minimize(lambda logs: -log_likelihood(np.exp(logs)) / scale, np.log(start), **search))
        if runs[-1].success and np.abs(runs[-1].x).max() < 8.9:
            break  # an inner maximum; another start is for when the search ran to a bound
    best = min(runs, key=lambda run: run.fun)
    if not np.isfinite(best.fun):
        raise FitError(f"the likelihood could not be maximized: {best.message}")
    return tuple(float(value) for value in np.exp(best.x)), float(-best.fun * scale)


def yearly_records(giving: pd.DataFrame, *, through: int | None = None) -> pd.DataFrame:
    """BG/BB records of donors whose first gift the ledger saw: `donor_id`, `frequency`, `recency`, `periods`, `mean_usd` a giving year.

    Donors of the ledger's first year are left out (their first gift may be older), and so are those of the last one,
    who have no year to repeat in.
    """
    giving = annual(giving)
    years = [year for year in giving.columns if through is None or year <= through]
    amounts = giving[years].to_numpy()
    gave = amounts > 0
    first, last, ever = gave.argmax(axis=1), len(years) - 1 - gave[:, ::-1].argmax(axis=1), gave.any(axis=1)
    keep = ever & (first > 0) & (first < len(years) - 1)
    total = np.where(gave, amounts, 0).sum(axis=1)
    frame = pd.DataFrame(
        {
            "donor_id": giving.index,
            "frequency": gave.sum(axis=1) - 1,
            "recency": last - first,
            "periods": len(years) - 1 - first,
            "mean_usd": total / np.maximum(gave.sum(axis=1), 1) / 100,
        }
    )
    return frame[keep].reset_index(drop=True)


def dated_records(gifts: pd.DataFrame, as_of: str | pd.Timestamp, *, since: str | pd.Timestamp, unit_days: float = 7) -> pd.DataFrame:
    """BG/NBD records of donors whose first gift fell between `since` and `as_of`: `donor_id`, `frequency` (days with a
    repeat gift), `recency` and `age` in units of `unit_days`. Pass gifts from before `since` too: they tell who is new."""
    end, start = pd.Timestamp(as_of), pd.Timestamp(since)
    when = pd.to_datetime(gifts["gift_date"]).dt.normalize()
    days = when[(gifts["amount_usd"] > 0) & (when <= end)].groupby(gifts["donor_id"], observed=True).agg(["nunique", "min", "max"])
    days = days[days["min"] >= start]
    frame = pd.DataFrame(
        {
            "frequency": days["nunique"] - 1,
            "recency": (days["max"] - days["min"]).dt.days / unit_days,
            "age": (end - days["min"]).dt.days / unit_days,
        }
    )
    return frame.rename_axis("donor_id").reset_index()


def _once(ask: Callable, *columns: pd.Series, **options: float) -> np.ndarray:
    """`ask` of each record, answered once for records that are equal: a million donors have few hundred of them."""
    table = pd.DataFrame(dict(enumerate(columns)))
    place = table.groupby(list(table.columns), sort=False).ngroup().to_numpy()
    distinct = table.drop_duplicates()
    return np.asarray(ask(*(distinct[name] for name in distinct), **options))[place]


def outlook(giving: pd.DataFrame, *, through: int | None = None, years: int = 1) -> pd.DataFrame:
    """Each donor's BG/BB outlook after `through`: the record plus `p_alive_share`, `expected_gifts`, `expected_usd`.

    The value of a giving year is the gamma-gamma mean, which pulls a single large gift toward the others.
    """
    records = yearly_records(giving, through=through)
    model = fit_bgbb(records["frequency"], records["recency"], records["periods"])
    value = fit_gamma_gamma(records["frequency"] + 1, records["mean_usd"])
    arguments = (records["frequency"], records["recency"], records["periods"])
    frame = records.assign(
        p_alive_share=_once(model.p_alive, *arguments), expected_gifts=_once(model.expected_gifts, *arguments, years=years)
    )
    return frame.assign(expected_usd=frame["expected_gifts"] * value.expected_value(frame["frequency"] + 1, frame["mean_usd"]))


def held_out(giving: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """The model fitted through `year` - 1 against what happened in `year`, by frequency of giving before.

    Returns
    -------
    One row per `frequency` and a total (`frequency` missing): `donors_n`, `expected_n` and `actual_n` giving,
    `expected_usd`, `actual_usd`, and `naive_n`, what "everyone who gave last year gives again" would have said.
    """
    giving = annual(giving)
    frame = outlook(giving, through=year - 1)
    actual, last = giving[[year, year - 1]].to_numpy()[giving.index.get_indexer(frame["donor_id"])].T
    frame = frame.assign(
        donors_n=1, expected_n=frame["expected_gifts"], actual_n=actual > 0, actual_usd=np.maximum(actual, 0) / 100, naive_n=last > 0
    )
    columns = ["donors_n", "expected_n", "actual_n", "naive_n", "expected_usd", "actual_usd"]
    grouped = frame.astype({"actual_n": "int64", "naive_n": "int64"}).groupby("frequency")[columns].sum().reset_index()
    total = grouped[columns].sum().to_frame().T
    return pd.concat([grouped.astype({"frequency": "Int64"}), total.assign(frequency=pd.array([pd.NA], dtype="Int64"))], ignore_index=True)


def outlook_bands(donors: pd.DataFrame, *, limits: tuple[float, ...] = (0.25, 0.5, 0.75)) -> pd.DataFrame:
    """`outlook` by probability of being alive, most likely first: `band`, `donors_n`, `expected_gifts`, `expected_usd`, and a total."""
    edges = [0.0, *limits, 1.0]
    names = [f"{low:.0%} to {high:.0%}".replace("%", " %") for low, high in itertools.pairwise(edges)]
    place = np.clip(np.searchsorted(edges, donors["p_alive_share"].to_numpy(), side="right") - 1, 0, len(names) - 1)
    sums = (
        donors.assign(donors_n=1)[["donors_n", "expected_gifts", "expected_usd"]]
        .groupby(place)
        .sum()
        .reindex(range(len(names)), fill_value=0)
    )
    rows = sums.assign(band=names).iloc[::-1]
    total = sums.sum().to_frame().T.assign(band="All")
    return pd.concat([rows, total], ignore_index=True).astype({"donors_n": "int64"})[["band", "donors_n", "expected_gifts", "expected_usd"]]
