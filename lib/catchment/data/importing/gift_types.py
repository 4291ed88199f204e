"""The words of gift systems and what they mean: types of gift, stages, kinds of donor, yes and no.

Names are compared without case, blanks and punctuation. Definitions. A *promise* is a pledge, a matching-gift pledge or a documented
planned gift. `PAYS` says which promise a type pays by its name: such a row is never new production. A type in `ENTRIES` is bookkeeping
and neither money nor a promise: it is understood, left out and told. Sources: the gift types of Raiser's Edge (database and web view), of
Blackbaud's SKY API, and the opportunity types and record types of Salesforce's Nonprofit Success Pack.
"""

import re
from itertools import product

from .layout import plain

WRITE_OFF = "write-off"
GIFT_TYPES = (
    "donor-advised", "event", "grant", "in kind", "matching", "outright", "planned intention", "planned realized", "pledge",
    "pledge payment", "recurring", "stock", WRITE_OFF,
)  # fmt: skip
PROMISES = ("pledge", "planned intention")
PROGRAMS = ("annual giving", "major gifts", "events", "corporate", "foundation", "grants", "planned giving")
PROGRAM = {
    "event": "events", "grant": "grants", "planned intention": "planned giving", "planned realized": "planned giving",
    "pledge": "major gifts", "pledge payment": "major gifts", "stock": "major gifts", "matching": "corporate", WRITE_OFF: "major gifts",
}  # fmt: skip

_MONEY = ("", "cash", "check", "creditcard", "directdebit", "eft", "ach", "businesscheck", "personalcheck", "paypal", "other")
_STOCK = ("stock", "stockproperty", "unsoldstock", "unsoldstockproperty", "stockpropertyunsold", "property", "securities")
_SOLD = ("soldstock", "stocksold", "stockpropertysold", "soldstockproperty", "salestockproperty", "saleofstockproperty", "soldproperty")
_IN_KIND = ("giftinkind", "inkindgift", "inkind", "noncash", "nonmonetary")
# How the systems begin the name of a payment: on what, and what it is when it is neither in kind nor named otherwise.
_PAYMENTS = {
    "pay": ("pledge", "pledge payment"), "pledgepay": ("pledge", "pledge payment"), "pledgepayment": ("pledge", "pledge payment"),
    "mgpay": ("matching", "matching"), "mgpledgepay": ("matching", "matching"), "matchinggiftpay": ("matching", "matching"),
    "matchinggiftpledgepay": ("matching", "matching"), "matchinggiftpayment": ("matching", "matching"),
    "matchinggiftpledgepayment": ("matching", "matching"), "mgpayment": ("matching", "matching"),
    "recurringgiftpay": ("", "recurring"), "recurringgiftpayment": ("", "recurring"), "recurringpayment": ("", "recurring"),
    "recurringpay": ("", "recurring"), "plannedgiftpay": ("", "planned realized"), "plannedgiftpayment": ("", "planned realized"),
}  # fmt: skip
_PAYS = {
    begins + how: (promise, "in kind" if how in _IN_KIND else kind)
    for (begins, (promise, kind)), how in product(_PAYMENTS.items(), (*_MONEY, *_STOCK, *_SOLD, *_IN_KIND))
    if begins + how != "pay"
}

TYPES: dict[str, str] = {
    **{plain(kind): kind for kind in GIFT_TYPES},
    **{how: "outright" for how in _MONEY if how},
    **dict.fromkeys((*_STOCK, *_SOLD), "stock"),
    **dict.fromkeys(_IN_KIND, "in kind"),
    **dict.fromkeys(("donation", "onetime", "onetimegift", "individual", "individualgift", "majorgift", "gift", "tribute"), "outright"),
    **dict.fromkeys(("memorial", "membership", "membershipdues", "sponsorship", "corporategift"), "outright"),
    **dict.fromkeys(("recurringdonation", "monthlygift", "sustainer"), "recurring"),
    **dict.fromkeys(("mgpledge", "matchinggiftpledge", "matchingpledge", "majorpledge", "conditionalpledge"), "pledge"),
    **dict.fromkeys(("plannedgift", "bequestintention", "legacygift", "bequestexpectancy", "plannedgiftintention"), "planned intention"),
    **dict.fromkeys(("bequest", "realizedbequest", "realizedplannedgift", "plannedgiftrealized", "estategift"), "planned realized"),
    **dict.fromkeys(("matchinggift", "matchingdonation", "match"), "matching"),
    **dict.fromkeys(("donoradvisedfund", "donoradvisedfundgift", "daf", "dafgift"), "donor-advised"),
    **dict.fromkeys(("grantpayment", "foundationgrant", "governmentgrant"), "grant"),
    **dict.fromkeys(("eventregistration", "eventregistrationfee", "eventregistrationfees", "ticket", "eventticket", "auction"), "event"),
    **dict.fromkeys(("writeoff", "pledgewriteoff", "mgwriteoff", "matchinggiftwriteoff", "matchinggiftpledgewriteoff"), WRITE_OFF),
    **{name: kind for name, (_, kind) in _PAYS.items()},
}  # fmt: skip
"""Type of gift by the name that a system gives it."""
PAYS: dict[str, str] = {name: promise for name, (promise, _) in _PAYS.items() if promise} | {
    "writeoff": "pledge", "pledgewriteoff": "pledge", "mgwriteoff": "matching", "matchinggiftwriteoff": "matching",
    "matchinggiftpledgewriteoff": "matching",
}  # fmt: skip
"""Which promise a row pays (or writes off) by its name: that of a pledge, or of a matching-gift pledge."""
SOLD = {name for name in TYPES if name.endswith(_SOLD)}
"""Types of stock that was sold; it was `RECEIVED` as a gift, or as a payment on the same kind of promise."""
RECEIVED = {name for name in TYPES if name.endswith(_STOCK)} - SOLD
MATCHING_PLEDGES = ("mgpledge", "matchinggiftpledge", "matchingpledge")
SUBTYPES = {
    "donoradvisedfund": "donor-advised", "daf": "donor-advised", "bequest": "planned realized", "matchinggift": "matching",
    "event": "event", "grant": "grant",
}  # fmt: skip
_SCHEDULE = "money or a promise: a recurring gift's schedule is neither; its payments are taken in"
_BOOKKEEPING = "a gift: an entry of the books that changes no amount given"
ENTRIES = {
    **dict.fromkeys(("recurringgift", "recurringgiftschedule", "recurringgifttemplate", "recurringgiftpledge"), ("schedules", _SCHEDULE)),
    **dict.fromkeys(("amendment", "generalledgerreversal", "glreversal"), ("bookkeeping entries", _BOOKKEEPING)),
    **dict.fromkeys(("deleted", "deletedgift", "deletedafterpostingtofinancesystem"), ("deleted gifts", _BOOKKEEPING)),
}
"""What is understood and no gift: what such rows are called, and what was expected instead."""
REVERSALS = {
    "refund": "refund", "reversal": "correction", "chargeback": "chargeback", "adjustment": "correction", "correction": "correction",
    "nsf": "chargeback", "void": "correction", "returnedcheck": "chargeback",
}  # fmt: skip
TAKING_BACK = {"refund", "reversal", "chargeback", "nsf", "void", "returnedcheck"}
"""Reversals that always take away; an adjustment or a correction has the sign that it is written with."""
WON = {"closedwon", "posted", "received", "paid", "closed", "won", "awarded", "giftreceived"}

KINDS = {
    "household": ("household", "householdaccount", "individual", "individuals", "person", "people", "family", "couple", "contact",
                  "onetoone", "onetooneindividual", "bucketaccount", "patient", "gratefulpatient", "friend", "boardmember", "physician",
                  "employee", "staff", "volunteer", "alumni", "alumnus", "parent"),
    "corporation": ("corporation", "corporate", "company", "business", "smallbusiness", "organization", "organizationaccount", "vendor",
                    "matchinggiftcompany", "forprofit"),
    "foundation": ("foundation", "familyfoundation", "privatefoundation", "communityfoundation", "corporatefoundation",
                   "charitablefoundation"),
    "donor-advised fund sponsor": ("donoradvisedfundsponsor", "donoradvisedfund", "donoradvisedfunddaf", "daf", "dafsponsor"),
    "estate": ("estate", "estates", "decedent", "decedentsestate"),
    "government": ("government", "governmentagency", "governmentalentity", "publicagency", "municipality", "federalgovernment",
                   "stategovernment", "localgovernment"),
    "organization": ("church", "religiousorganization", "congregation", "nonprofit", "nonprofitorganization", "association", "civicgroup",
                     "civicorganization", "serviceclub", "club", "school", "university", "educationalinstitution", "union"),
    "unknown": ("unknown", "notrecorded", "other"),
}  # fmt: skip
"""Kinds of donor, and the names that offices give them."""
KIND = {name: kind for kind, names in KINDS.items() for name in names}

_NO = {
    "", "n", "no", "f", "false", "0", "off", "none", "unchecked", "notcontacted", "optedin", "optin", "maycontact", "cancontact",
}  # fmt: skip
_YES = {"y", "yes", "t", "true", "1", "x", "on", "checked"}
_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|[A-Za-z]{3,9} \d{1,2},? \d{4}")
_SILENT = ("opt", "donot", "dont", "no", "deceased", "unsubscribed", "suppress", "remove")


def says_yes(text: str, *, about: tuple[str, ...]) -> bool | None:
    """What a cell says: yes (a mark, a day, or words that begin with one of `about`), no, or nothing that is known."""
    word = plain(text)
    if word in _NO and text.strip() not in ("✓", "✔", "*"):
        return False
    return True if word in _YES or _DAY.fullmatch(text.strip()) or word.startswith(about) else None


def silent(text: str) -> bool | None:
    """Whether a cell says that somebody must not be contacted; None where nobody can tell, which is to be read as yes."""
    return says_yes(text, about=_SILENT)


def grateful(text: str) -> bool | None:
    """Whether a cell says that somebody is a grateful patient or of the family; None where nobody can tell."""
    return says_yes(text, about=("grateful", "patient", "family"))
