"""Names that mean the same, spelled otherwise: what an unknown name is nearest to. A hint for a person, never a decision.

Names are compared without case, punctuation and common abbreviations, by their words first and their letters second.
"""

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

_SHORT = {
    "ctr": "center", "cntr": "center", "centre": "center", "med": "medical", "hosp": "hospital", "hsp": "hospital", "reg": "regional",
    "rgnl": "regional", "univ": "university", "comm": "community", "mem": "memorial", "meml": "memorial", "st": "saint", "mt": "mount",
    "hlth": "health", "sys": "system", "inst": "institute", "onc": "oncology", "ca": "cancer", "assoc": "associates", "cnty": "county",
    "co": "county", "svc": "service", "svcs": "services", "dept": "department", "intl": "international", "fdn": "foundation",
}  # fmt: skip
_EMPTY = {"the", "of", "at", "and", "for", "a", "inc", "llc", "county", "parish", "borough"}


@lru_cache(maxsize=50_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name that tell it from others, written out."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    found = [_SHORT.get(word, word) for word in re.findall(r"[^\W_]+", spaced.casefold())]
    return tuple(word for word in found if word not in _EMPTY) or tuple(found)


def likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1; 1 when they have the same words in the same order."""
    first, second = words(one), words(other)
    if not (first and second):
        return 0.0
    if first == second:
        return 1.0
    common = set(first) & set(second)
    # A part of a name stands for it ("Lung" for "Lung & bronchus"), though less surely than the whole.
    shared = max(len(common) / len({*first, *second}), 0.75 * len(common) / min(len(set(first)), len(set(second))))
    letters = difflib.SequenceMatcher(None, " ".join(first), " ".join(second), autojunk=False).ratio()
    return max(shared, 0.98 * letters)


def nearest(name: str, known: Iterable[str], *, least: float = 0.55) -> str:
    """The known name that is most like this one; "" when none is."""
    scored = [(likeness(name, each), each) for each in sorted(set(known))]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] >= least else ""
