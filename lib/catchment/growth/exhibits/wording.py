"""What several exhibits of the growth page share: names of the volumes, their sources, and how a number of the words is claimed."""

from functools import partial

from catchment import words
from catchment.page.exhibit import Claim, Exhibit

exhibit = partial(Exhibit, room="growth")

NAMES = {
    "cases": "analytic cases",
    "medical_patients": "medical oncology patients",
    "radiation_patients": "radiation oncology patients",
    "surgical_patients": "surgical oncology patients",
    "infusion_visits": "infusion visits",
    "fractions": "radiation fractions",
    "surgeries": "cancer operations",
}
VOLUMES, PLAN = ("volumes",), ("volumes", "referrals")
BANDS = ["volume_n_low_80", "volume_n_high_80", "volume_n_low_95", "volume_n_high_95"]
BAND_PAIRS = [("volume_n_low_80", "volume_n_high_80"), ("volume_n_low_95", "volume_n_high_95")]
CASH_BANDS = [("total_usd_low_80", "total_usd_high_80"), ("total_usd_low_95", "total_usd_high_95")]
LEVEL = Claim("80 %", how="given", value=0.8, basis="the level of the prediction intervals")


def first_upper(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def named(title: str) -> str:
    """An initiative's title inside a sentence."""
    return f"“{title}”"


def given(said: str, value: float, basis: str) -> Claim:
    """A number of the words that the rows shown do not hold, and what it rests on."""
    return Claim(said, how="given", value=float(value), basis=basis)


def counted(number: int, rows: str) -> Claim:
    """A number of rows that the words say."""
    return Claim(words.count(number), how="count", rows=rows)
