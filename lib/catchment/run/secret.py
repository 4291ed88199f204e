"""Keeping secrets out of what is written: messages, logs, kept notebooks and pages.

A secret is the value of an environment variable whose name says so, or user and password inside an address.
"""

import os
import re

NAMES = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY", re.IGNORECASE)
ADDRESS = re.compile(r"(?<=://)[^/\s:@'\"]+:[^/\s@'\"]+(?=@)")
SHORTEST = 6  # a shorter value would hide ordinary words
HIDDEN = "[hidden]"


def values() -> dict[str, str]:
    """Secret values of this process's environment by variable, the longest first."""
    found = {name: value for name, value in os.environ.items() if NAMES.search(name) and len(value) >= SHORTEST}
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def masked(text: str) -> str:
    """The text without secrets."""
    for value in values().values():
        text = text.replace(value, HIDDEN)
    return ADDRESS.sub(HIDDEN, text)


def shown(text: str) -> list[str]:
    """Names of the variables whose values stand in the text."""
    return [name for name, value in values().items() if value in text]
