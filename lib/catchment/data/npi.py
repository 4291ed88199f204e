"""National provider identifiers: ten digits whose last one checks the others (Luhn with the prefix 80840).

Definition: the check digit is computed over 80840 followed by the first nine digits (45 CFR 162.406; CMS, "Requirements for
National Provider Identifier and NPI check digit", 2004; example 123456789 -> 3). An NPI is text: leading digits
matter and nothing is added up.

Known bias: a valid check digit says that the number was typed correctly, not that it was ever issued.
"""

from collections.abc import Iterable
from typing import overload

import numpy as np
import pandas as pd

# Sum that the constant prefix 80840 adds to every number, as the standard gives it.
PREFIX = 24


@overload
def valid(npi: str | int) -> bool: ...
@overload
def valid(npi: Iterable[str]) -> pd.Series: ...
def valid(npi: str | int | Iterable[str]) -> bool | pd.Series:
    """Whether each value is an NPI with the right check digit: ten digits, starting with 1 or 2.

    One text gives one boolean, several give a Series; a missing value is not valid.
    """
    if isinstance(npi, (str, int)):
        return bool(valid([str(npi)]).iloc[0])
    texts = npi.astype("str") if isinstance(npi, pd.Series) else pd.Series(list(npi), dtype="str")
    shaped = texts.str.fullmatch(r"[12][0-9]{9}").fillna(False).astype(bool)
    checked = np.zeros(len(texts), bool)
    if shaped.any():
        digits = _digits(texts[shaped])
        checked[shaped.to_numpy()] = _check(digits[:, :9]) == digits[:, 9]
    return pd.Series(checked, index=texts.index, name="npi_valid")


def check_digit(stem: str) -> int:
    """Check digit of the first nine digits of an NPI.

    Raises
    ------
    ValueError
        The stem is not nine digits.
    """
    if not (len(stem) == 9 and stem.isascii() and stem.isdigit()):
        raise ValueError(f"expected the first nine digits of an NPI, found {stem!r}")
    return int(_check(_digits(pd.Series([stem])))[0])


def _digits(texts: pd.Series) -> np.ndarray:
    return np.array([list(text.encode("ascii")) for text in texts], dtype=np.int64) - ord("0")


def _check(stems: np.ndarray) -> np.ndarray:
    doubled = 2 * stems[:, ::2]
    total = PREFIX + (doubled // 10 + doubled % 10).sum(axis=1) + stems[:, 1::2].sum(axis=1)
    return -total % 10
