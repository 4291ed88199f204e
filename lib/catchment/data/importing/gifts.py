"""Gift ledgers: Raiser's Edge NXT gift exports, Salesforce NPSP exports, and a plain template.

Each kind makes one table of the catalog: `gifts` (hard credits), `soft_credits`, `donors`, `payments`. Hard and soft credits never
share a table. Known bias: exports know gift types by the names of their system; what each becomes is listed in `TYPES`, and a
type that is not money (a schedule, an open proposal) is left out and told.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from catchment.data.catalog import Column

from .gift_rows import Ledger, Unfit, amount, day, dollars_only, kind_of, once, read, whole
from .layout import Field, Layout, plain

GIFT_TYPES = (
    "donor-advised", "event", "grant", "in kind", "matching", "outright", "planned intention", "planned realized", "pledge",
    "pledge payment", "recurring", "stock",
)  # fmt: skip
PROGRAMS = ("annual giving", "major gifts", "events", "corporate", "foundation", "grants", "planned giving")
_PROGRAM = {
    "event": "events", "grant": "grants", "planned intention": "planned giving", "planned realized": "planned giving",
    "pledge": "major gifts", "pledge payment": "major gifts", "stock": "major gifts", "matching": "corporate",
}  # fmt: skip
_SCHEDULE = "money or a commitment: a recurring gift's schedule is neither; its payments are imported"
_WRITE_OFF = "a gift: pledge write-offs belong to the pledges table"

# Names of gift types as the systems write them, compared without case, blanks and punctuation.
TYPES: dict[str, str] = {
    **{plain(kind): kind for kind in GIFT_TYPES},
    "cash": "outright", "donation": "outright", "onetime": "outright", "check": "outright", "creditcard": "outright",
    "other": "outright", "individual": "outright", "paycash": "pledge payment", "paystockproperty": "pledge payment",
    "payother": "pledge payment", "paygiftinkind": "pledge payment", "pledgepayment": "pledge payment",
    "recurringgiftpaycash": "recurring", "recurringgiftpayment": "recurring", "recurringdonation": "recurring",
    "stockproperty": "stock", "stockpropertysold": "stock", "securities": "stock", "giftinkind": "in kind",
    "inkindgift": "in kind", "inkind": "in kind", "plannedgift": "planned intention", "bequestintention": "planned intention",
    "legacygift": "planned intention", "bequest": "planned realized", "realizedbequest": "planned realized",
    "mgpaycash": "matching", "matchinggift": "matching", "matchingdonation": "matching", "matchinggiftpayment": "matching",
    "donoradvisedfund": "donor-advised", "daf": "donor-advised", "majorgift": "outright", "grantpayment": "grant",
    "eventregistration": "event", "ticket": "event", "mgpledge": "pledge",
}  # fmt: skip
LEFT_OUT = {"recurringgift": _SCHEDULE, "recurringgiftschedule": _SCHEDULE, "writeoff": _WRITE_OFF, "mgwriteoff": _WRITE_OFF}
REVERSALS = {
    "refund": "refund",
    "reversal": "correction",
    "chargeback": "chargeback",
    "adjustment": "correction",
    "correction": "correction",
    "nsf": "chargeback",
    "void": "correction",
    "returnedcheck": "chargeback",
}
WON = {"closedwon", "posted", "received", "paid", "closed"}

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
            values=["household", "corporation", "foundation", "donor-advised fund sponsor", "estate"],
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


def gift(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One hard-credit row; raises Unfit with the reason when it cannot go in."""
    whole(texts)
    dollars_only(texts.get("currency", ""))
    kind, reason = _kind(texts), _reason(texts)
    value = amount(texts.get("split_amount") or texts["amount"])
    adjusts = texts.get("adjusts_gift_id") or None
    if value < 0 and not (reason or adjusts):
        raise Unfit(
            "amount",
            "a negative amount with its reason: a type such as Refund or Chargeback, or the gift that it takes back",
            texts["amount"],
        )
    reversal = bool(reason or (adjusts and value < 0))
    kind = kind_of(ledger, adjusts, kind) if reversal else kind
    when, donor = day(texts["gift_date"], ledger.order, "gift_date"), texts.get("donor_id", "")
    if not donor:
        raise Unfit("donor_id", "a donor identifier", "an empty cell")
    designation = texts.get("designation_id") or "unspecified"
    gift_id = once(ledger, number, texts.get("gift_id", ""), designation, (donor, when, kind, value), kind=kind)
    return {
        "gift_id": gift_id,
        "donor_id": donor,
        "gift_date": when,
        "gift_type": kind,
        "amount_usd": -abs(value) if reversal else value,
        "program": _program(texts, kind),
        "designation_id": designation,
        "campaign_id": texts.get("campaign_id") or None,
        "appeal_id": texts.get("appeal_id") or None,
        "pledge_id": _pledge(texts, kind),
        "adjusts_gift_id": adjusts,
        "adjustment": (reason or "correction") if reversal else None,
    }


def _kind(texts: Mapping[str, str]) -> str:
    """The type of gift, by its subtype where that says more (donor-advised funds, bequests)."""
    written, subtype = plain(texts.get("gift_type") or "outright"), plain(texts.get("gift_subtype", ""))
    if written in LEFT_OUT:
        raise Unfit("gift_type", LEFT_OUT[written], texts["gift_type"])
    if written in REVERSALS:
        return "outright"
    if written not in TYPES:
        raise Unfit("gift_type", f"one of {', '.join(GIFT_TYPES)} or a name of the export's system", texts["gift_type"])
    special = {
        "donoradvisedfund": "donor-advised",
        "daf": "donor-advised",
        "bequest": "planned realized",
        "matchinggift": "matching",
        "event": "event",
        "grant": "grant",
    }
    return special.get(subtype, TYPES[written]) if TYPES[written] == "outright" else TYPES[written]


def _reason(texts: Mapping[str, str]) -> str | None:
    for name in ("adjustment", "gift_type"):
        if found := REVERSALS.get(plain(texts.get(name, ""))):
            return found
    return None


def _program(texts: Mapping[str, str], kind: str) -> str:
    written = texts.get("program", "").strip().casefold()
    if written and written not in PROGRAMS:
        raise Unfit("program", f"one of {', '.join(PROGRAMS)}", texts["program"])
    return written or _PROGRAM.get(kind, "annual giving")


def _pledge(texts: Mapping[str, str], kind: str) -> str | None:
    return texts.get("pledge_id") or (texts["gift_id"] if kind in ("pledge", "planned intention") else None)


def opportunity(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One NPSP opportunity: closed-won is a gift, pledged a pledge, any other stage a proposal that is left out."""
    whole(texts)
    stage = plain(texts.get("stage", ""))
    if stage not in WON | {"pledged"}:
        raise Unfit(
            "stage",
            "a stage that is won (Closed Won, Posted) or Pledged; open and lost opportunities are proposals",
            texts.get("stage") or "an empty cell",
        )
    kind = texts.get("gift_type") or "Donation"
    flags = {"matching": "Matching Gift", "in_kind": "In-Kind Gift", "recurring_id": "Recurring Donation"}
    kind = next((name for flag, name in flags.items() if texts.get(flag) and plain(texts[flag]) not in ("false", "0", "no")), kind)
    return gift(ledger, number, texts | {"gift_type": "Pledge" if stage == "pledged" else kind})


def soft_credit(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any] | None:
    """One soft credit; a row of a gift export without one is passed over."""
    whole(texts)
    donor = texts.get("soft_donor_id", "")
    if not donor:
        return None
    dollars_only(texts.get("currency", ""))
    reasons = {
        "matching": "matching",
        "matcheddonor": "matching",
        "matchinggift": "matching",
        "spouse": "spouse",
        "householdmember": "spouse",
        "solicitor": "solicitor",
        "influencer": "solicitor",
    }
    role = reasons.get(plain(texts.get("reason", "")), "donor-advised")
    gift_id = texts.get("gift_id", "")
    value = amount(texts.get("soft_amount") or texts.get("amount", ""), "soft_amount")
    once(ledger, number, gift_id, donor, (value,))
    return {"gift_id": gift_id, "donor_id": donor, "amount_usd": value, "reason": role}


def payment(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One NPSP payment, scheduled or paid."""
    whole(texts)
    once(ledger, number, texts.get("payment_id", ""), "", tuple(texts.values()))
    due, paid_on = (day(texts[name], ledger.order, name) if texts.get(name) else None for name in ("due_date", "gift_date"))
    flags = {name: plain(texts.get(name, "")) in ("true", "1", "yes") for name in ("paid", "written_off")}
    if flags["paid"] and paid_on is None:
        raise Unfit("gift_date", "the day on which a paid payment came in", "an empty cell")
    return {
        "payment_id": texts["payment_id"],
        "pledge_id": texts.get("pledge_id", ""),
        "due_date": due,
        "gift_date": paid_on,
        "amount_usd": amount(texts["amount"]),
        **flags,
    }


def donor(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One donor with household; kinds other than those listed are households."""
    whole(texts)
    once(ledger, number, texts.get("donor_id", ""), "", tuple(texts.values()))
    kinds = {
        "corporation": "corporation",
        "organization": "corporation",
        "company": "corporation",
        "foundation": "foundation",
        "donoradvisedfundsponsor": "donor-advised fund sponsor",
        "estate": "estate",
    }
    yes = {
        name: plain(texts.get(name, "")) in ("true", "1", "yes", "y", "donotsolicit", "optout")
        for name in ("grateful_patient", "opted_out")
    }
    return {
        "donor_id": texts["donor_id"],
        "household_id": texts.get("household_id") or texts["donor_id"],
        "name": texts.get("name", ""),
        "kind": kinds.get(plain(texts.get("kind", "")), "household"),
        "source": texts.get("source") or "not recorded",
        **yes,
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
    kind: str,
    title: str,
    producer: str,
    table: str,
    row: Callable,
    key: list[str],
    fields: list[Field],
    *,
    period: str = "gift_date",
    note: str = "",
) -> Layout:
    return Layout(
        kind=kind,
        title=title,
        producer=producer,
        license="private to the partner",
        scope="partner",
        key=["partner", *key],
        fields=fields,
        columns=_TABLES[table],
        reader=partial(read, row=row),
        year="",
        period=period,
        note=note,
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
    "pledge_id": ["Pledge ID", "Linked Pledge ID", "Pledge Gift ID"],
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
    "opted_out": ["npsp__Do_Not_Contact__c", "Do Not Contact", "DoNotCall", "HasOptedOutOfEmail"],
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
    **{name: [name] for name in ("household_id", "source", "grateful_patient", "opted_out")},
}

LAYOUTS = (
    _layout("raisers_edge_gifts", "Raiser's Edge NXT gift export, hard credits", _RE, "gifts", gift, ["gift_id"], _fields(**_NXT)),
    _layout(
        "raisers_edge_soft_credits",
        "Raiser's Edge NXT gift export, soft credits",
        _RE,
        "soft_credits",
        soft_credit,
        ["gift_id", "donor_id"],
        _fields(**_NXT_SOFT),
        period="",
    ),
    _layout(
        "npsp_opportunities", "Salesforce NPSP opportunities: gifts and pledges", _SF, "gifts", opportunity, ["gift_id"], _fields(**_NPSP)
    ),
    _layout(
        "npsp_payments", "Salesforce NPSP payments, scheduled and paid", _SF, "payments", payment, ["payment_id"], _fields(**_NPSP_PAYMENT)
    ),
    _layout(
        "npsp_soft_credits",
        "Salesforce NPSP partial soft credits",
        _SF,
        "soft_credits",
        soft_credit,
        ["gift_id", "donor_id"],
        _fields(**_NPSP_SOFT),
        period="",
    ),
    _layout(
        "npsp_donors",
        "Salesforce NPSP contacts with their household accounts",
        _SF,
        "donors",
        donor,
        ["donor_id"],
        _fields(**_NPSP_DONOR),
        period="",
    ),
    _layout("gift_template", "Plain gift template", _OWN, "gifts", gift, ["gift_id"], _fields(**_PLAIN)),
    _layout(
        "soft_credit_template",
        "Plain soft credit template",
        _OWN,
        "soft_credits",
        soft_credit,
        ["gift_id", "donor_id"],
        _fields(**_PLAIN_SOFT),
        period="",
    ),
    _layout("donor_template", "Plain donor template", _OWN, "donors", donor, ["donor_id"], _fields(**_PLAIN_DONOR), period=""),
)
