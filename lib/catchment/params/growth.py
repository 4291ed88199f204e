"""Settings of the growth scenarios: initiatives, scenarios, drivers, capacity and finance.

An initiative or a scenario is one block in YAML. What can't hold is refused: shares above 100 %, negative costs, probabilities that don't
add to one, a start before the data end, an initiative that nobody knows.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import Assumption, Count, Date, Positive, Section, Share

Amount = Annotated[float, Field(ge=0)]
Score = Annotated[int, Field(ge=1, le=5)]
Rank = Annotated[float, Field(ge=-1, le=1)]
Measure = Literal["cases", "medical_patients", "radiation_patients", "surgical_patients", "infusion_visits", "fractions", "surgeries"]
Kind = Literal["physician", "linac", "chairs", "screening", "navigation", "clinic", "share", "repatriation", "closure"]
Phase = Literal["assess", "plan", "pilot", "scale", "sustain"]
DriverName = Literal["demand", "volume", "price", "drug_margin", "running_cost", "capital", "delay"]


class Initiative(Section):
    title: str
    """Name as pages print it."""
    kind: Kind
    """What sort of change it is."""
    owner: str
    """Role that answers for it."""
    start: Date
    """First day of operation; capital is spent at the start of that year."""
    ramp: Annotated[list[Share], Field(min_length=1, default_factory=lambda: [0.25, 0.60, 0.85, 1.0])]
    """Share of the full effect reached in each year of operation; the last one lasts."""
    effects: dict[Measure, float] = Field(default_factory=dict)
    """Volume a year at full effect; with `cases` alone the other measures follow the program's own use per case."""
    leaked_share: Share = 0
    """Share of the addressable leaked cases that comes back at full effect (the referral analysis counts them)."""
    moved_share: Share = 0
    """Share of the effect that would otherwise be treated at the academic hub: moved, not gained."""
    capital_usd: Amount = 0
    """Outlay for building and equipment, US dollars."""
    one_off_usd: Amount = 0
    """Other cost of starting, US dollars."""
    running_usd: Amount = 0
    """Cost of running a year without staff, US dollars of the first year."""
    saved_usd: Amount = 0
    """Cost saved a year (a service closed), US dollars of the first year."""
    staffing: dict[str, Amount] = Field(default_factory=dict)
    """Full-time equivalents by role (roles are those of `pay_usd`)."""
    adds: dict[str, float] = Field(default_factory=dict)
    """Units of capacity by resource, such as one linac."""
    payer_mix: dict[str, Share] | None = None
    """Share of the effect by payer when it differs from the program's."""
    probability: Share = 1
    """Chance that it goes ahead."""
    requires: list[str] = Field(default_factory=list)
    """Initiatives without which it can't go ahead."""
    funded_usd: Amount = 0
    """Part of capital and starting cost that a budget already covers, US dollars."""
    theme: str = "general"
    """Theme under which donors could fund the rest."""
    fit: dict[str, Score] = Field(default_factory=dict)
    """Strategic fit by criterion, 1 (poor) to 5 (strong)."""
    effort: Score = 3
    """Effort for the organization, 1 (light) to 5 (heavy)."""
    risk: Score = 3
    """Risk of delivery, 1 (low) to 5 (high)."""


class Scenario(Section):
    title: str
    """Name as pages print it."""
    owner: str
    """Role that set the assumptions."""
    date: Date
    """Day on which they were set."""
    initiatives: list[str] | Literal["all"] = "all"
    """Initiatives that go ahead."""
    growth: Annotated[float, Field(ge=-0.2, le=0.2)] = 0
    """Yearly growth of all volumes above (below) the forecast, share per year."""
    volume: Positive = 1
    """Factor on what initiatives bring."""
    price: Positive = 1
    """Factor on net revenue per unit."""
    drug_margin: Amount = 1
    """Factor on the margin per drug dose."""
    running_cost: Positive = 1
    """Factor on variable and running cost."""
    capital: Positive = 1
    """Factor on capital and starting cost."""
    delay: Annotated[int, Field(ge=0, le=60)] = 0
    """Months by which every initiative starts late."""


class Branch(Section):
    title: str
    """What happens on this branch."""
    probability: Share
    """Chance of this branch, given the ones above it."""
    scenario: str | None = None
    """Scenario at the end of the branch."""
    branches: "list[Branch]" = Field(default_factory=list)
    """Branches below, when it isn't an end."""

    @model_validator(mode="after")
    def _ends_or_splits(self) -> "Branch":
        if (self.scenario is None) == (not self.branches):
            raise ValueError("expected either a scenario or branches below")
        return self


class Driver(Section):
    title: str
    """Name as pages print it."""
    unit: str
    """Unit of the value."""
    distribution: Literal["pert", "triangular", "lognormal", "normal"]
    """Shape of the uncertainty."""
    low: float | None = None
    """Least value (pert, triangular)."""
    mode: float | None = None
    """Most likely value (pert, triangular)."""
    high: float | None = None
    """Greatest value (pert, triangular)."""
    median: Positive | None = None
    """Median (lognormal)."""
    sigma: Positive | None = None
    """Standard deviation of the logarithm (lognormal)."""
    mean: float | None = None
    """Mean (normal)."""
    sd: Positive | None = None
    """Standard deviation (normal)."""
    source: str
    """Where the range comes from."""

    @model_validator(mode="after")
    def _complete(self) -> "Driver":
        needed = {"lognormal": ("median", "sigma"), "normal": ("mean", "sd")}.get(self.distribution, ("low", "mode", "high"))
        if any(getattr(self, name) is None for name in needed):
            raise ValueError(f"a {self.distribution} driver needs {', '.join(needed)}")
        low, mode, high = self.low, self.mode, self.high
        if low is not None and mode is not None and high is not None and not (low <= mode <= high and low < high):
            raise ValueError("expected low <= mode <= high and low < high")
        return self

    def numbers(self) -> dict[str, str | float]:
        """Distribution and its parameters alone."""
        names = ("low", "mode", "high", "median", "sigma", "mean", "sd")
        return {"distribution": self.distribution} | {name: getattr(self, name) for name in names if getattr(self, name) is not None}


class Correlation(Section):
    first: DriverName
    """One driver."""
    second: DriverName
    """The other."""
    rank: Rank
    """Spearman rank correlation, -1 to 1."""


class Economics(Section):
    revenue_usd: Assumption[Amount]
    """Net revenue per unit without drugs, US dollars of the first year."""
    variable_usd: Assumption[Amount]
    """Variable cost per unit without drugs, US dollars of the first year."""
    drug_revenue_usd: Assumption[Amount]
    """Net drug revenue per unit, US dollars of the first year."""
    drug_cost_usd: Assumption[Amount]
    """Drug cost per unit, US dollars of the first year."""


class Resource(Section):
    title: str
    """Name as pages print it (plural)."""
    measure: Measure
    """Volume that uses it."""
    available: Amount
    """Units the program has today."""
    per_unit_n: Assumption[Positive] | None = None
    """Volume that one unit can do in a year at 100 %; machines and chairs are worked out from their hours instead."""
    utilization_share: Assumption[Share]
    """Share of that at which it is planned: the planning limit."""
    most_share: Assumption[Share] | None = None
    """Share of that beyond which nobody more can be served (a machine, a chair); without it people are strained instead."""


class Linac(Section):
    slots_per_hour: Assumption[Positive]
    """Treatment slots per hour."""
    hours_per_day: Assumption[Positive]
    """Hours of treatment per working day."""
    days_per_year: Assumption[Positive]
    """Treatment days per year."""
    uptime_share: Assumption[Share]
    """Share of the scheduled time that the machine runs."""


class Chair(Section):
    hours_per_visit: Assumption[Positive]
    """Mean time in the chair per visit, turnover included."""
    hours_per_day: Assumption[Positive]
    """Hours that infusion is open per working day."""
    days_per_year: Assumption[Positive]
    """Days that infusion is open per year."""
    arrival_cv: Assumption[Amount]
    """Coefficient of variation of the time between arrivals; 1 is random, booked visits are below."""
    service_cv: Assumption[Amount]
    """Coefficient of variation of the time in the chair."""


class Growth(Section):
    horizon_years: Annotated[int, Field(ge=1, le=30)]
    """Years ahead of the as-of date that volumes and cash flows are projected."""
    discount_share: Assumption[Share]
    """Yearly discount rate of the net present value, nominal."""
    finance_share: Assumption[Share]
    """Yearly rate at which outlays are financed (for the modified internal rate)."""
    reinvest_share: Assumption[Share]
    """Yearly rate at which receipts are reinvested (for the modified internal rate)."""
    price_growth_share: Assumption
    """Yearly growth of net revenue per unit, nominal."""
    cost_growth_share: Assumption
    """Yearly growth of variable, running and staff cost, nominal."""
    shift_share: dict[Measure, Assumption]
    """Yearly change of hospital use by a shift in the place of care, by measure."""
    economics: dict[Measure, Economics]
    """Revenue and cost per unit by measure."""
    payer_index: dict[str, Assumption[Amount]]
    """Net revenue relative to Medicare by payer."""
    payer_mix: dict[str, Assumption[Share]]
    """Share of the program's volume by payer; adds to one."""
    pay_usd: dict[str, Assumption[Amount]]
    """Yearly cost of one full-time equivalent with benefits by role, US dollars of the first year."""
    linac: Linac
    """What one linear accelerator can do."""
    chair: Chair
    """What one infusion chair can do."""
    resources: dict[str, Resource]
    """What the program has, by resource."""
    initiatives: dict[str, Initiative] = Field(default_factory=dict)
    """What could be done, by id."""
    scenarios: dict[str, Scenario]
    """Named sets of assumptions, by id."""
    plan: str
    """Scenario that the simulation, the tornado and the roadmap describe."""
    tree: list[Branch]
    """Scenario tree: branches with probabilities that add to one at every split."""
    drivers: dict[DriverName, Driver]
    """What is uncertain, by driver."""
    correlations: list[Correlation] = Field(default_factory=list)
    """Rank correlations between drivers."""
    draws_n: Annotated[int, Field(ge=100)]
    """Draws of the simulation."""
    seed: Count
    """Seed of the simulation."""
    fit_weights: dict[str, Share]
    """Weight of each criterion of strategic fit; adds to one."""
    rank_weights: dict[Literal["npv", "fit", "effort", "risk"], Share]
    """Weight of value, fit, effort and risk in the ranking; adds to one."""
    phase_months: dict[Phase, Count]
    """Months of each playbook phase; assess and plan lie before the start, scale and sustain follow the ramp when zero."""

    def ranges(self) -> dict[str, dict[str, str | float]]:
        """Distribution of every driver by name."""
        return {name: driver.numbers() for name, driver in self.drivers.items()}

    def ranks(self) -> dict[tuple[str, str], float]:
        """Rank correlation by pair of drivers."""
        return {(pair.first, pair.second): pair.rank for pair in self.correlations}

    def needed(self, name: str) -> set[str]:
        """Ids of all initiatives that one needs, directly or not."""
        found: set[str] = set()
        waiting = list(self.initiatives[name].requires)
        while waiting:
            other = waiting.pop()
            if other not in found:
                found.add(other)
                waiting += self.initiatives[other].requires if other in self.initiatives else []
        return found
