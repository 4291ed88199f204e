"""Sliders beside a page's own figures, in JupyterLab; in a page the same figures at the settings' values.

A notebook makes `Levers` from the settings' drivers and shows figures through it. Where someone is looking (a JupyterLab or VS Code
session) the figure comes with sliders and is drawn again when one is moved; where a page is built, nothing of this is loaded and the
figure is exactly the one that the settings give.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from .blocks import Block

STEPS = 40


def watched() -> bool:
    """Whether a person sits at this kernel: jupyter_server and VS Code say so in the environment, a page's run doesn't."""
    return "ipykernel" in sys.modules and any(name in os.environ for name in ("JPY_SESSION_NAME", "VSCODE_PID"))


class Levers:
    """One slider per driver, shared by all figures shown through it.

    Parameters
    ----------
    ranges
        Per driver: ``title``, ``low``, ``high`` and ``value`` (where it stands in the settings).
    """

    def __init__(self, ranges: Mapping[str, Mapping[str, Any]]):
        self.ranges = ranges
        self.sliders: dict[str, Any] = {}

    def row(self, **moved: float) -> pd.DataFrame:
        """One draw: the settings' values, or where the levers were moved to."""
        return pd.DataFrame([{name: float(moved.get(name, lever["value"])) for name, lever in self.ranges.items()}])

    def show(self, figure: Callable[[pd.DataFrame], Block]) -> Any:
        """The figure of one draw; with sliders that redraw it when a person is watching."""
        if not watched():
            return figure(self.row())
        import ipywidgets  # here alone: a page that is built never pays for it
        from IPython.display import display

        self.sliders = self.sliders or {name: self._slider(ipywidgets, lever) for name, lever in self.ranges.items()}
        drawn = ipywidgets.interactive_output(lambda **moved: display(figure(self.row(**moved))), self.sliders)
        return ipywidgets.VBox([*self.sliders.values(), drawn])

    @staticmethod
    def _slider(ipywidgets: Any, lever: Mapping[str, Any]) -> Any:
        low, high = min(lever["low"], lever["value"]), max(lever["high"], lever["value"])
        return ipywidgets.FloatSlider(
            value=lever["value"],
            min=low,
            max=high,
            step=(high - low) / STEPS,
            description=lever["title"],
            continuous_update=False,
            readout_format=".2f",
            style={"description_width": "25em"},
            layout={"width": "50em"},
        )
