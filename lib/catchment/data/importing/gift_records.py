"""One record of a gift system to one row of a table: gifts, opportunities, payments, soft credits, donors.

Rules. A payment without the number of its pledge is put to the oldest pledge of its donor with enough left. Stock is counted when
received: its later sale (linked, or of the same donor and within 10 % of its worth) is set aside. A reversal has the type and the promise
of the gift that it adjusts. Partial soft credits of one person add up; a person in two roles with the same amount counts once. What
nobody can read as a permission to contact means "do not call".
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from . import gift_types
from .gift_rows import Aside, Later, Ledger, Promise, Unfit, amount, day, dollars_only, once, whole
from .gift_types import ENTRIES, GIFT_TYPES, PAYS, PROGRAMS, PROMISES, REVERSALS, TYPES, WON, WRITE_OFF
from .layout import plain

NOT_IN_FILE = "not in this file"
_ALIKE = 0.1  # of the value received, within which a sale of stock is the sale of that stock
_SILENT = ("opted_out", "do_not_call", "deceased")


def scout(ledger: Ledger, texts: dict[str, str]) -> None:
    """Remember promises, and stock that was received, before any row is read."""
    written, donor_id = plain(texts.get("gift_type", "")), texts.get("donor_id", "")
    kind = TYPES.get(written)
    if "stage" in texts or kind is None or texts.get("adjusts_gift_id") or texts.get("adjustment"):
        return
    try:
        value = amount(texts.get("split_amount") or texts["amount"])
    except Unfit:
        return
    if kind == "pledge" and value > 0:
        number = texts.get("pledge_id") or texts.get("gift_id", "")
        if number in ledger.numbered:  # a further part of a split pledge
            ledger.numbered[number].left += value
            return
        family = "matching" if written in gift_types.MATCHING_PLEDGES else "pledge"
        ledger.numbered[number] = promise = Promise(number, texts.get("gift_date", ""), value)
        ledger.promises.setdefault((donor_id, family), []).append(promise)
    elif written in gift_types.RECEIVED and value > 0:
        ledger.stock.setdefault((donor_id, PAYS.get(written, "")), []).append((texts.get("gift_id", ""), texts.get("gift_date", ""), value))


def gift(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One hard-credit row; raises Unfit with the reason when it cannot go in."""
    whole(texts)
    dollars_only(texts.get("currency", ""))
    kind, reason, adjusts = _kind(texts), _reason(texts), texts.get("adjusts_gift_id") or None
    value = amount(texts.get("split_amount") or texts["amount"])
    if value < 0 and not (reason or adjusts or kind == WRITE_OFF):
        raise Unfit(
            "amount",
            "a negative amount with its reason: a type such as Refund or Chargeback, or the gift that it takes back",
            texts["amount"],
        )
    when, donor_id = day(texts["gift_date"], ledger.order, "gift_date"), texts.get("donor_id", "")
    if not donor_id:
        raise Unfit("donor_id", "a donor identifier", "an empty cell")
    _refuse_sale(ledger, texts, value, when)
    if reason or adjusts:
        kind, promise = _adjusted(ledger, adjusts, kind, texts)
        value = -abs(value) if _takes_back(texts) else value
    else:
        promise = _promise(ledger, texts, kind, value, when)
        value = -abs(value) if kind == WRITE_OFF else value
    designation = texts.get("designation_id") or "unspecified"
    gift_id = once(ledger, number, texts.get("gift_id", ""), designation, (donor_id, when, kind, value), kind=kind, promise=promise)
    return {
        "gift_id": gift_id,
        "donor_id": donor_id,
        "gift_date": when,
        "gift_type": kind,
        "amount_usd": value,
        "program": _program(texts, kind),
        "designation_id": designation,
        "campaign_id": texts.get("campaign_id") or None,
        "appeal_id": texts.get("appeal_id") or None,
        "pledge_id": promise,
        "adjusts_gift_id": adjusts,
        "adjustment": (reason or "correction") if reason or adjusts else None,
    }


def _kind(texts: Mapping[str, str]) -> str:
    """The type of gift, by its subtype where that says more (donor-advised funds, bequests)."""
    written, subtype = plain(texts.get("gift_type") or "outright"), plain(texts.get("gift_subtype", ""))
    if written in ENTRIES:
        called, expected = ENTRIES[written]
        raise Aside("gift_type", expected, texts["gift_type"], called)
    if written in REVERSALS:
        return "outright"
    if written not in TYPES:
        raise Unfit(
            "gift_type",
            f"one of {', '.join(GIFT_TYPES)} or a name of the export's system",
            texts["gift_type"],
            f"type {texts['gift_type']!r} not known",
        )
    return gift_types.SUBTYPES.get(subtype, TYPES[written]) if TYPES[written] == "outright" else TYPES[written]


def _reason(texts: Mapping[str, str]) -> str | None:
    for name in ("adjustment", "gift_type"):
        if found := REVERSALS.get(plain(texts.get(name, ""))):
            return found
    return None


def _takes_back(texts: Mapping[str, str]) -> bool:
    return any(plain(texts.get(name, "")) in gift_types.TAKING_BACK for name in ("adjustment", "gift_type"))


def _adjusted(ledger: Ledger, adjusts: str | None, kind: str, texts: Mapping[str, str]) -> tuple[str, str | None]:
    """Type and promise of the gift that a reversal adjusts; one that comes later in the file is waited for."""
    before = ledger.gifts.get(hash(adjusts)) if adjusts else None
    if adjusts and before is None and not ledger.ended:
        raise Later
    return before[1:] if before else (kind, texts.get("pledge_id") or None)


def _promise(ledger: Ledger, texts: Mapping[str, str], kind: str, value: float, when: datetime) -> str | None:
    """The promise that a row makes, pays or writes off."""
    named, family = texts.get("pledge_id") or None, PAYS.get(plain(texts.get("gift_type", "")))
    if kind in PROMISES:
        return named or texts["gift_id"]
    if named:
        chosen = ledger.numbered.get(named)
    elif family:
        owed = _open(ledger, texts, family, when)
        enough = (each for each in owed if each.left >= abs(value))
        chosen = next(enough, next((each for each in owed if each.left > 0), owed[-1] if owed else None))
    else:
        return None
    if chosen:
        chosen.left -= abs(value)
    elif kind == WRITE_OFF and not named:
        expected = "the pledge that is written off, or one of the donor's in the file"
        raise Aside("pledge_id", expected, "none", "write-offs of pledges that are not in the file")
    # Without its promise in the file a matching gift counts once, when it is paid; what pays a pledge never counts as new.
    unknown = NOT_IN_FILE if kind == "in kind" and family == "pledge" else None
    return named or (chosen.number if chosen else unknown)


def _open(ledger: Ledger, texts: Mapping[str, str], family: str, when: datetime) -> list[Promise]:
    """Promises of the row's donor, oldest first: those made by that day or, where none was, all."""
    mine = ledger.promises.get((texts.get("donor_id", ""), family), [])
    dated = sorted(((_day(ledger, each.day), each) for each in mine), key=lambda pair: pair[0] or when)
    return [each for made, each in dated if made is None or made <= when] or [each for _, each in dated]


def _day(ledger: Ledger, written: str) -> datetime | None:
    try:
        return day(written, ledger.order)
    except Unfit:
        return None


def _refuse_sale(ledger: Ledger, texts: Mapping[str, str], value: float, when: datetime) -> None:
    """Set the sale of stock aside that the file counts when it was received."""
    written = plain(texts.get("gift_type", ""))
    if written not in gift_types.SOLD:
        return
    held = ledger.stock.get((texts.get("donor_id", ""), PAYS.get(written, "")), [])
    linked = {text for name in ("adjusts_gift_id", "pledge_id", "gift_id") if (text := texts.get(name))}
    for place, (gift_id, received, worth) in enumerate(held):
        before = _day(ledger, received)
        if gift_id in linked or (abs(worth - value) <= _ALIKE * worth and before is not None and before <= when):
            del held[place]
            label = "sales of stock that is counted when received"
            raise Aside("gift_type", f"stock once: gift {gift_id} has it as received", texts["gift_type"], label)


def _program(texts: Mapping[str, str], kind: str) -> str:
    written = texts.get("program", "").strip().casefold()
    if written and written not in PROGRAMS:
        raise Unfit("program", f"one of {', '.join(PROGRAMS)}", texts["program"], f"program {texts['program']!r} not known")
    return written or gift_types.PROGRAM.get(kind, "annual giving")


def opportunity(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One NPSP opportunity: closed-won is a gift, pledged a pledge; an instalment of a recurring donation that nobody paid yet is neither,
    and any other stage is a proposal."""
    whole(texts)
    stage, recurring = plain(texts.get("stage", "")), _flagged(texts.get("recurring_id"))
    pledged = stage == "pledged"
    if pledged and recurring:
        expected = "money or a promise: a recurring donation's instalment is neither until it is paid"
        raise Aside("stage", expected, texts["stage"], "recurring instalments not paid yet")
    if not pledged and not (stage in WON or plain(texts.get("won", "")) in ("true", "1", "yes")):
        raise Aside(
            "stage",
            "a stage that is won (Closed Won, Posted) or Pledged; open and lost opportunities are proposals",
            texts.get("stage") or "an empty cell",
            "open or lost proposals",
        )
    kind = texts.get("gift_type") or "Donation"
    flags = {"matching": "Matching Gift", "in_kind": "In-Kind Gift", "recurring_id": "Recurring Donation"}
    kind = next((name for flag, name in flags.items() if _flagged(texts.get(flag))), kind)
    if pledged and plain(texts.get("gift_type", "")) not in REVERSALS:
        kind = "Pledge"
        texts = texts | {"gift_date": _day_made(ledger, texts)}
    return gift(ledger, number, texts | {"gift_type": kind})


def _flagged(text: str | None) -> bool:
    return bool(text) and plain(text or "") not in ("false", "0", "no")


def _day_made(ledger: Ledger, texts: Mapping[str, str]) -> str:
    """The day a pledge was made: an expected close date that lies ahead gives way to the day the record was created."""
    try:
        day(texts["gift_date"], ledger.order)
    except Unfit:
        return texts.get("created_date") or texts["gift_date"]
    return texts["gift_date"]


def soft_credit(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any] | None:
    """One soft credit, added to what the same person has of the same gift; a row of a gift export without one is passed over."""
    whole(texts)
    donor_id = texts.get("soft_donor_id", "")
    if not donor_id:
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
    role, gift_id = plain(texts.get("reason", "")), texts.get("gift_id", "")
    value = amount(texts.get("soft_amount") or texts.get("amount", ""), "soft_amount")
    if not gift_id:
        raise Unfit("gift_id", "a gift identifier", "an empty cell")
    whose = (gift_id, donor_id)
    _refuse_repeated(ledger, number, texts, whose, value, role)
    row = {"gift_id": gift_id, "donor_id": donor_id, "amount_usd": 0.0, "reason": reasons.get(role, "donor-advised")}
    credit = ledger.sums.setdefault(whose, row)
    credit["amount_usd"] = round(credit["amount_usd"] + value, 2)
    return {}


def _refuse_repeated(ledger: Ledger, number: int, texts: Mapping[str, str], whose: tuple[str, str], value: float, role: str) -> None:
    """Set a credit aside that says again what another row said: the whole row, or the same amount in another role or without a number."""
    same, in_role, row = (hash((whose, value, *more)) for more in ((), (role,), tuple(texts.values())))
    before = ledger.seen.get(same)
    if before and not (texts.get("credit_id") and in_role in ledger.seen and row not in ledger.seen):
        expected = f"each credit once; line {before[0]} has this amount of this person on this gift"
        raise Aside("gift_id", expected, " ".join(whose), "repeated rows")
    for each in (same, in_role, row):
        ledger.seen.setdefault(each, (number, 0))


def payment(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One NPSP payment, scheduled or paid."""
    whole(texts)
    once(ledger, number, texts.get("payment_id", ""), "", tuple(texts.values()))
    due = day(texts["due_date"], ledger.order, "due_date", ahead=True) if texts.get("due_date") else None
    paid_on = day(texts["gift_date"], ledger.order, "gift_date") if texts.get("gift_date") else None
    flags = {name: plain(texts.get(name, "")) in ("true", "1", "yes") for name in ("paid", "written_off")}
    if flags["paid"] and paid_on is None:
        raise Unfit("gift_date", "the day on which a paid payment came in", "an empty cell")
    return {
        "payment_id": texts["payment_id"],
        "pledge_id": texts.get("pledge_id", ""),
        "due_date": due,
        "gift_date": paid_on if flags["paid"] else None,
        "amount_usd": amount(texts["amount"]),
        **flags,
    }


def donor(ledger: Ledger, number: int, texts: dict[str, str]) -> dict[str, Any]:
    """One donor with household. Words that nobody knows are counted: a kind of donor is then unknown, an opt-out "do not call"."""
    whole(texts)
    once(ledger, number, texts.get("donor_id", ""), "", tuple(texts.values()))
    written = texts.get("kind", "")
    # A Salesforce contact is a person; of others a kind must be known.
    kind = gift_types.KIND.get(plain(written), "unknown") if written or ledger.layout.kind != "npsp_donors" else "household"
    if plain(written) not in gift_types.KIND and kind == "unknown":
        ledger.words["kinds of donor, kept as unknown", written or "an empty cell"] += 1
    silent = [_heard(ledger, gift_types.silent, texts.get(name, ""), "words on contact, read as do not call") for name in _SILENT]
    grateful = _heard(ledger, gift_types.grateful, texts.get("grateful_patient", ""), "words on grateful patients, read as no")
    if not any(name in ledger.places for name in _SILENT):
        ledger.remarks.add("No column says who must not be contacted, so nobody is left off the lists.")
    return {
        "donor_id": texts["donor_id"],
        "household_id": texts.get("household_id") or texts["donor_id"],
        "name": texts.get("name", ""),
        "kind": kind,
        "source": texts.get("source") or "not recorded",
        "grateful_patient": bool(grateful),
        "opted_out": any(said is not False for said in silent),
    }


def _heard(ledger: Ledger, says: Callable[[str], bool | None], text: str, taken: str) -> bool | None:
    said = says(text)
    if said is None:
        ledger.words[taken, text] += 1
    return said
