"""The books of a development office as its pages read them: ledger, pledges, and giving by the household to thank.

Definitions
-----------
The ledger holds what was recorded through the settings' day; later rows are not looked at. A ledger whose last row is more than
`QUIET_DAYS` before that day *ends early*: it is read as of its last row, for what came since is not known, and unknown is not zero.
Payments kept in a table of their own are joined in (`pledges.joined`), so that a dollar counts once. *Thanked* gifts are those that
count as cash, by household, a donor-advised gift under the household that advised it (`raised.recognized`); *received* ones are the
same with gifts in kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from catchment.params import Settings

from . import donor_segments, giving, ledger, pledges, raised

QUIET_DAYS = 31  # an office that took in nothing for a month has not closed its books


@dataclass(frozen=True)
class Books:
    """Ledger, donors and pledges of one partner through `as_of`, the settings' day `asked` for or the ledger's last.

    `gifts` has one row per hard-credit transaction, `soft` one per soft credit, `donors` one per donor, `pledged` one per pledge, `due` one
    per instalment; `set_aside` says which payments were not joined in, and why. Fiscal years start in month `start`.
    """

    gifts: pd.DataFrame
    donors: pd.DataFrame
    soft: pd.DataFrame
    pledged: pd.DataFrame
    due: pd.DataFrame
    set_aside: pd.DataFrame
    as_of: pd.Timestamp
    asked: pd.Timestamp
    start: int
    in_kind_is_cash: bool

    @property
    def year(self) -> int:
        """The fiscal year under way."""
        return raised.year_of(self.as_of, start_month=self.start)

    @property
    def ends_early(self) -> bool:
        """Whether the ledger ends well before the day asked for."""
        return self.as_of < self.asked

    @property
    def through(self) -> str:
        """How far the year under way is known: "to date", or the ledger's last day where that is earlier."""
        return f"through {self.as_of.day} {self.as_of:%B %Y}" if self.ends_early else "to date"

    @property
    def gone_share(self) -> float:
        """Part of the fiscal year gone at the end of `as_of`."""
        return raised.gone_share(self.as_of, start_month=self.start)

    def recognized(self, *, in_kind_is_cash: bool) -> pd.DataFrame:
        """Cash gifts by the household to thank: one row per gift."""
        cash = raised.counted(self.gifts, basis="cash", in_kind_is_cash=in_kind_is_cash)
        return raised.recognized(cash, self.donors, self.soft)

    @cached_property
    def thanked(self) -> pd.DataFrame:
        """Cash gifts by household, gifts in kind as the settings say."""
        return self.recognized(in_kind_is_cash=self.in_kind_is_cash)

    @cached_property
    def given(self) -> pd.DataFrame:
        """Cash by household (rows) and fiscal year (columns), in whole cents: `giving.annual`."""
        return giving.annual(self.thanked, start_month=self.start)

    def to_date(self, goals: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """Cash and production of the year so far against goal and the same day last year: `raised.year_to_date` on both bases."""
        cash, production = (
            raised.year_to_date(
                self.gifts, self.as_of, basis=basis, start_month=self.start, goals=goals, in_kind_is_cash=self.in_kind_is_cash
            ).iloc[0]
            for basis in raised.POLICY
        )
        return cash, production

    def segments(self) -> dict[str, pd.Series | pd.DataFrame]:
        """The label of each household along every way of looking: `donor_segments.labels`."""
        return donor_segments.labels(self.given, self.donors)

    def progress(self, campaigns: pd.DataFrame) -> pd.DataFrame:
        """Each campaign against its goal and its time: `raised.campaign_progress`."""
        return raised.campaign_progress(campaigns, self.gifts, as_of=self.as_of)

    @cached_property
    def owed(self) -> pd.DataFrame:
        """Open balance of every instalment on `as_of`: `pledges.balances`."""
        return pledges.balances(self.due, self.gifts[raised.pays(self.gifts)], as_of=self.as_of, write_offs=self.written_off)

    @cached_property
    def written_off(self) -> pd.DataFrame:
        """Promises written off, in the ledger and in the table of pledges: `pledges.write_offs`."""
        return pledges.write_offs(self.gifts, self.pledged)

    @cached_property
    def parts(self) -> pd.DataFrame:
        """How the ledger adds up: `ledger.reconciliation`."""
        return ledger.reconciliation(self.gifts, write_offs=self._written_off_by_now)

    @property
    def unscheduled_usd(self) -> float:
        """Open on pledges that no schedule has, so that nobody can say how old they are."""
        held = ledger.promises(self.gifts, write_offs=self._written_off_by_now)
        bare = held[(held["kind"] == "pledge") & ~held["pledge_id"].isin(set(self.due["pledge_id"]))]
        return float(bare["open_usd"].clip(lower=0).sum())

    @property
    def _written_off_by_now(self) -> pd.DataFrame:
        return self.written_off[pd.to_datetime(self.written_off["written_off_date"]) <= self.as_of]


def books(read: Callable[..., pd.DataFrame], settings: Settings) -> Books:
    """The books of the settings' partner.

    Parameters
    ----------
    read : the frame of a table by its name, such as `data.Tables.read`; reads `gifts`, `donors`, and where there are any `soft_credits`,
        `payments`, `pledges`, `pledge_instalments`.
    """
    gifts, donors = read("gifts"), read("donors")
    soft, pledged, due, payments = (read(name, allow_empty=True) for name in ("soft_credits", "pledges", "pledge_instalments", "payments"))
    rate, asked = settings.growth.discount_share.value, pd.Timestamp(settings.as_of)
    joined = pledges.joined(gifts, payments, pledges=pledged, instalments=due, discount_rate_share=rate)
    days = pd.to_datetime(joined.gifts["gift_date"])
    later = days > asked
    gifts = joined.gifts[~later].reset_index(drop=True) if later.any() else joined.gifts
    latest = days[~later].max()
    as_of = latest.normalize() if (asked - latest).days > QUIET_DAYS else asked
    return Books(
        raised.compact(ledger.linked(gifts)),
        donors,
        soft,
        joined.pledges,
        joined.instalments,
        joined.set_aside,
        as_of,
        asked,
        settings.philanthropy.fiscal_year_start_month,
        settings.philanthropy.in_kind_is_cash,
    )
