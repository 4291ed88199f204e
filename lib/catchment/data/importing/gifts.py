"""Layouts of gift ledgers: Raiser's Edge NXT gift exports, Salesforce NPSP exports, and a plain template.

Each kind makes one table of the catalog: `gifts` (hard credits), `soft_credits`, `donors`, `payments`. Hard and soft credits never
share a table. What the words of the systems mean stands in `gift_types`, how one record becomes a row in `gift_records`, and how files are
read, told and added up in `gift_rows`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from catchment.data.catalog import Column

from .gift_records import donor, gift, opportunity, payment, scout, soft_credit
from .gift_rows import Ledger, Row, read
from .gift_types import GIFT_TYPES, KINDS, PROGRAMS, TYPES
from .layout import Field, Layout

__all__ = ["GIFT_TYPES", "LAYOUTS", "TYPES"]

_TABLES: dict[str, dict[str, Column]] = {
    "gifts": {
        "partner": Column(meaning="partner id"),
        "gift_id": Column(meaning="gift identifier; further parts of a split gift end in /2, /3"),
        "donor_id": Column(meaning="donor with hard credit"),
        "gift_date": Column(type="date", meaning="date of the gift"),
        "gift_type": Column(type="category", values=list(GIFT_TYPES), meaning="type of gift"),
        "amount_usd": Column(type="number", unit="USD", min="-1e12", meaning="amount; negative for a reversal"),
        "program": Column(type="category", values=list(PROGRAMS), meaning="fundraising program; by gift type where the file names none"),
        "designation_id": Column(meaning="designation"),
        "campaign_id": Column(nullable=True, meaning="campaign"),
        "appeal_id": Column(nullable=True, meaning="appeal"),
        "pledge_id": Column(nullable=True, meaning="pledge that the row makes or settles"),
        "adjusts_gift_id": Column(nullable=True, meaning="gift that a reversal takes back"),
        "adjustment": Column(type="category", values=["refund", "chargeback", "correction"], nullable=True, meaning="reason of a reversal"),
    },
    "soft_credits": {
        "partner": Column(meaning="partner id"),
        "gift_id": Column(meaning="gift recognized"),
        "donor_id": Column(meaning="donor recognized"),
        "amount_usd": Column(type="number", unit="USD", min="-1e12", meaning="amount recognized"),
        "reason": Column(type="category", values=["donor-advised", "matching", "spouse", "solicitor"], meaning="why"),
    },
    "donors": {
        "partner": Column(meaning="partner id"),
        "donor_id": Column(meaning="donor identifier"),
        "household_id": Column(meaning="household identifier"),
        "name": Column(meaning="name, shown on internal pages only"),
        "kind": Column(
            type="category",
            values=list(KINDS),
            meaning="kind of donor",
        ),
        "source": Column(meaning="how the first gift came"),
        "grateful_patient": Column(type="boolean", meaning="whether the donor is known as a grateful patient or family"),
        "opted_out": Column(type="boolean", meaning="whether the donor asked not to be contacted"),
    },
    "payments": {
        "partner": Column(meaning="partner id"),
        "payment_id": Column(meaning="payment identifier"),
        "pledge_id": Column(meaning="opportunity that the payment belongs to"),
        "due_date": Column(type="date", nullable=True, meaning="day it is scheduled"),
        "gift_date": Column(type="date", nullable=True, meaning="day it was paid"),
        "amount_usd": Column(type="number", unit="USD", meaning="amount"),
        "paid": Column(type="boolean", meaning="whether it was paid"),
        "written_off": Column(type="boolean", meaning="whether it was written off"),
    },
}


def _fields(**aliases: list[str]) -> list[Field]:
    """Fields by name; a name that ends in `_` is required, dates are told by their name."""
    return [
        Field(
            name=name.rstrip("_"),
            aliases=names,
            type="date" if name.rstrip("_").endswith("_date") else "text",
            required=name.endswith("_"),
            nullable=True,
        )
        for name, names in aliases.items()
    ]


def _layout(
    kind: str, title: str, producer: str, table: str, row: Row, names: Mapping[str, list[str]], *, ids: Sequence[str] = ("gift_id",),
    first: Callable[[Ledger, dict[str, str]], None] | None = None,
) -> Layout:  # fmt: skip
    return Layout(
        kind=kind,
        title=title,
        producer=producer,
        license="private to the partner",
        scope="partner",
        key=["partner", *(name.removeprefix("soft_") for name in ids)],
        fields=_fields(**names),
        columns=_TABLES[table],
        reader=partial(read, row=row, scout=first, ids=ids),
        year="",
        period="gift_date" if "gift_date" in _TABLES[table] else "",
    )


_RE = "Blackbaud Raiser's Edge NXT, exported by the partner"
_SF = "Salesforce Nonprofit Success Pack, exported by the partner"
_OWN = "the partner's development office"
_NXT = {
    "gift_id_": ["Gift ID", "System Gift ID", "Gift System ID"],
    "donor_id_": ["Constituent ID", "Constituent Lookup ID", "Lookup ID"],
    "gift_date_": ["Gift Date", "Date"],
    "amount_": ["Gift Amount", "Amount"],
    "split_amount": ["Split Amount", "Gift Split Amount", "Split Gift Amount"],
    "gift_type_": ["Gift Type", "Type"],
    "gift_subtype": ["Gift Subtype", "Subtype"],
    "designation_id": ["Fund", "Fund ID", "Fund Description", "Split Fund"],
    "campaign_id": ["Campaign", "Campaign ID"],
    "appeal_id": ["Appeal", "Appeal ID"],
    "pledge_id": ["Pledge ID", "Linked Pledge ID", "Pledge Gift ID", "Linked Gift ID"],
    "adjusts_gift_id": ["Original Gift ID", "Adjusted Gift ID", "Refunded Gift ID"],
    "adjustment": ["Adjustment Reason", "Adjustment Type"],
    "currency": ["Currency", "Currency Code"],
}
_NXT_SOFT = {
    "gift_id_": _NXT["gift_id_"],
    "soft_donor_id_": ["Soft Credit", "Soft Credit Constituent ID", "Soft Credit Recipient ID", "Soft Credit ID"],
    "soft_amount": ["Soft Credit Amount"],
    "amount": _NXT["amount_"],
    "reason": ["Soft Credit Type", "Soft Credit Reason"],
    "currency": _NXT["currency"],
}
_NPSP = {
    "gift_id_": ["Id", "Opportunity ID", "Opportunity.Id"],
    "donor_id_": ["AccountId", "Account ID", "Account.Id"],
    "gift_date_": ["CloseDate", "Close Date"],
    "amount_": ["Amount"],
    "stage_": ["StageName", "Stage"],
    "won": ["IsWon", "Won"],
    "created_date": ["CreatedDate", "Created Date"],
    "gift_type": ["Type", "RecordType.Name", "Record Type"],
    "designation_id": ["npsp__General_Accounting_Unit__c", "General Accounting Unit", "GAU Name"],
    "campaign_id": ["npsp__Campaign__c", "Campaign Name Text"],
    "appeal_id": ["CampaignId", "Primary Campaign Source", "Campaign ID"],
    "matching": ["npsp__Matching_Gift__c", "Matching Gift"],
    "in_kind": ["npsp__In_Kind_Type__c", "In-Kind Type"],
    "recurring_id": ["npe03__Recurring_Donation__c", "Recurring Donation"],
    "currency": ["CurrencyIsoCode", "Currency"],
    "adjusts_gift_id": ["Original_Opportunity__c", "Original Opportunity"],
    "adjustment": ["Adjustment_Reason__c", "Adjustment Reason"],
}
_NPSP_PAYMENT = {
    "payment_id_": ["Id", "Payment ID", "Name"],
    "pledge_id_": ["npe01__Opportunity__c", "Opportunity"],
    "amount_": ["npe01__Payment_Amount__c", "Payment Amount"],
    "due_date": ["npe01__Scheduled_Date__c", "Scheduled Date"],
    "gift_date": ["npe01__Payment_Date__c", "Payment Date"],
    "paid_": ["npe01__Paid__c", "Paid"],
    "written_off": ["npe01__Written_Off__c", "Written Off"],
}
_NPSP_SOFT = {
    "credit_id": ["Id", "Partial Soft Credit ID"],
    "gift_id_": ["npsp__Opportunity__c", "OpportunityId", "Opportunity ID"],
    "soft_donor_id_": ["npsp__Contact__c", "ContactId", "Contact ID"],
    "soft_amount_": ["npsp__Amount__c", "Amount", "Partial Soft Credit Amount"],
    "reason": ["npsp__Role_Name__c", "Role", "Role Name"],
    "currency": ["CurrencyIsoCode"],
}
_NPSP_DONOR = {
    "donor_id_": ["Id", "Contact ID", "Account ID"],
    "household_id": ["AccountId", "Household Account"],
    "name_": ["Name", "Full Name"],
    "kind": ["Type", "npe01__SYSTEM_AccountType__c"],
    "source": ["LeadSource", "Lead Source"],
    "grateful_patient": ["Grateful_Patient__c", "Grateful Patient"],
    "opted_out": ["npsp__Do_Not_Contact__c", "Do Not Contact", "HasOptedOutOfEmail"],
    "do_not_call": ["DoNotCall", "Do Not Call"],
    "deceased": ["npsp__Deceased__c", "Deceased"],
}
_PLAIN = {
    "gift_id_": ["gift_id"],
    "donor_id_": ["donor_id"],
    "gift_date_": ["gift_date"],
    "gift_type_": ["gift_type"],
    "amount_": ["amount_usd", "amount"],
    **{
        name: [name]
        for name in ("program", "designation_id", "campaign_id", "appeal_id", "pledge_id", "adjusts_gift_id", "adjustment", "currency")
    },
}
_PLAIN_SOFT = {
    "gift_id_": ["gift_id"],
    "soft_donor_id_": ["donor_id"],
    "soft_amount_": ["amount_usd", "amount"],
    "reason_": ["reason"],
    "currency": ["currency"],
}
_PLAIN_DONOR = {
    "donor_id_": ["donor_id"],
    "name_": ["name"],
    "kind_": ["kind"],
    **{name: [name] for name in ("household_id", "source", "grateful_patient", "opted_out", "deceased")},
}

_SOFT_IDS = ("gift_id", "soft_donor_id")
LAYOUTS = (
    _layout("raisers_edge_gifts", "Raiser's Edge NXT gift export, hard credits", _RE, "gifts", gift, _NXT, first=scout),
    _layout("raisers_edge_soft_credits", "Raiser's Edge NXT gift export, soft credits", _RE, "soft_credits", soft_credit, _NXT_SOFT,
            ids=_SOFT_IDS),
    _layout("npsp_opportunities", "Salesforce NPSP opportunities: gifts and pledges", _SF, "gifts", opportunity, _NPSP),
    _layout("npsp_payments", "Salesforce NPSP payments, scheduled and paid", _SF, "payments", payment, _NPSP_PAYMENT, ids=("payment_id",)),
    _layout("npsp_soft_credits", "Salesforce NPSP partial soft credits", _SF, "soft_credits", soft_credit, _NPSP_SOFT, ids=_SOFT_IDS),
    _layout("npsp_donors", "Salesforce NPSP contacts with their household accounts", _SF, "donors", donor, _NPSP_DONOR, ids=("donor_id",)),
    _layout("gift_template", "Plain gift template", _OWN, "gifts", gift, _PLAIN, first=scout),
    _layout("soft_credit_template", "Plain soft credit template", _OWN, "soft_credits", soft_credit, _PLAIN_SOFT, ids=_SOFT_IDS),
    _layout("donor_template", "Plain donor template", _OWN, "donors", donor, _PLAIN_DONOR, ids=("donor_id",)),
)  # fmt: skip
