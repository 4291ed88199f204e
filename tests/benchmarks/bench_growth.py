"""Growth scenarios at scale: the simulation and the forecast set of one partner, against their floors.

    python tests/benchmarks/bench_growth.py

Floors: 10,000 draws x 10 years x 12 months x 8 initiatives below 1 s and 1 GB; 40 series of 20 quarters (cleaning, back-test of five
methods, choice, forecasts by quarter and year) below 10 s of CPU. Both are also shown at other sizes.
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

from catchment.growth import initiatives, scenarios
from catchment.stats import forecast, uncertainty

DRIVERS = {
    "demand": {"distribution": "normal", "mean": 0.0, "sd": 1.0},
    "volume": {"distribution": "pert", "low": 0.5, "mode": 1.0, "high": 1.25},
    "price": {"distribution": "pert", "low": 0.92, "mode": 1.0, "high": 1.05},
    "drug_margin": {"distribution": "triangular", "low": 0.4, "mode": 1.0, "high": 1.15},
    "running_cost": {"distribution": "pert", "low": 0.97, "mode": 1.0, "high": 1.07},
    "capital": {"distribution": "lognormal", "median": 1.0, "sigma": 0.12},
    "delay": {"distribution": "triangular", "low": 0.0, "mode": 0.0, "high": 14.0},
}
MEASURES = ("cases", "medical_patients", "radiation_patients", "surgical_patients", "infusion_visits", "fractions", "surgeries")


def plan(count: int, years: int = 10) -> initiatives.Plan:
    """A plan of the full shape: seven measures, two of them limited, initiatives that ramp, add capacity and cost."""
    random = np.random.default_rng(1)
    size = np.array([1600, 750, 500, 850, 12_500, 11_000, 950], dtype=float)
    months, limit = years * 12, np.full(len(MEASURES), np.inf)
    limit[4], limit[5] = 16_000, 15_000
    adds = np.zeros((count, len(MEASURES)))
    adds[0, 4], adds[min(1, count - 1), 5] = 4_000, 8_000
    requires = np.zeros((count, count), dtype=bool)
    requires[-1, 0] = count > 1
    return initiatives.Plan(
        names=tuple(f"initiative {place}" for place in range(count)),
        measures=MEASURES,
        years=np.arange(2026, 2026 + years),
        baseline=size * 1.04 ** np.arange(years)[:, None],
        spread=0.05 * size * np.sqrt(np.arange(1, years + 1))[:, None],
        effects=random.uniform(0, 0.05, (count, len(MEASURES))) * size,
        moved=random.uniform(0, 0.3, count),
        payer=random.uniform(0.9, 1.2, count),
        ramp=np.repeat([[0.25] * 12 + [0.6] * 12 + [0.85] * 12 + [1.0] * (months - 36)], count, axis=0),
        start=random.integers(3, 36, count),
        capital=random.uniform(1e5, 5e6, count),
        one_off=random.uniform(1e4, 3e5, count),
        running=random.uniform(1e5, 8e5, count),
        limit=limit,
        adds=adds,
        service=np.array([[3800, 0, 4200, 0, 640, 720, 16_500], [1700, 0, 900, 0, 340, 180, 9_800]], dtype=float),
        drugs=np.array([0, 0, 0, 0, 420, 0, 0], dtype=float),
        price_growth=0.022,
        cost_growth=0.03,
        rate=0.08,
        requires=requires,
        probability=np.full(count, 0.8),
    )


def series(count: int, n: int = 20) -> pd.DataFrame:
    """Quarterly counts of different size, trend and season."""
    random = np.random.default_rng(2)
    level, growing, season = (
        random.choice([25, 60, 150, 600, 3000], count),
        random.normal(0.005, 0.01, count),
        random.normal(0, 0.05, (count, 4)),
    )
    time_ = np.arange(n)
    mean = level[:, None] * (1 + growing[:, None]) ** time_ * (1 + season[:, time_ % 4])
    moments = pd.period_range("2021Q1", periods=n, freq="Q")
    return pd.DataFrame(
        [
            {"series": f"series {place}", "year": moment.year, "quarter": moment.quarter, "volume_n": float(value)}
            for place, row in enumerate(random.poisson(mean))
            for moment, value in zip(moments, row, strict=True)
        ]
    )


def timed(action) -> tuple[float, float]:
    """CPU and wall seconds of the better of three runs."""
    spent = []
    for _ in range(3):
        cpu, wall = time.process_time(), time.perf_counter()
        action()
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(spent)


def simulate(whole: initiatives.Plan, draws: int) -> None:
    drawn = uncertainty.draws(DRIVERS, draws, seed=1, correlations={("price", "drug_margin"): 0.4, ("capital", "delay"): 0.5})
    scenarios.evaluate(whole, drawn, scenarios.lottery(whole, draws, seed=1))


def main() -> int:
    missed = []
    for draws, count in ((1_000, 8), (10_000, 1), (10_000, 8), (10_000, 24), (30_000, 8)):
        whole = plan(count)
        cpu, wall = timed(lambda whole=whole, draws=draws: simulate(whole, draws))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"simulation  {draws:>6,} draws x 10 years x 12 months x {count:>2} initiatives: {cpu:5.2f} s CPU, {wall:5.2f} s wall, peak {peak:.2f} GB"
        )
        if (draws, count) == (10_000, 8) and (cpu >= 1 or peak >= 1):
            missed.append("simulation")
    for count in (10, 40, 120):
        history = series(count)
        cpu, wall = timed(lambda history=history: forecast.outlook(history, horizon=40))
        print(f"forecasts   {count:>4} series of 20 quarters: {cpu:5.2f} s CPU, {wall:5.2f} s wall")
        if count == 40 and cpu >= 10:
            missed.append("forecasts")
    print("floors met" if not missed else f"floors missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
