"""Colors, type and drawing defaults of every exhibit.

Each color has a name. In an SVG it is written `var(--name,#hex)`: inside a page the style sheet resolves the name (light, dark or
print), and in JupyterLab, where the style sheet is absent, the hex stands. Contrast is tested over these tables, because a
browser's checker cannot judge text inside an SVG.
"""

from typing import Any

LIGHT = {
    "paper": "#ffffff",
    "wash": "#f5f7f9",
    "ink": "#1b2733",
    "muted": "#56626e",
    "rule": "#d5dbe1",
    "context": "#87919b",
    "accent": "#12436d",
    "warn": "#a1341d",
    "good": "#1d6b4f",
    "nodata": "#f4f1ec",
    "hatch": "#a39a8b",
    # Five steps of one blue, light = low; the last step is the accent itself.
    "r0": "#e3ebf2",
    "r1": "#b3c8db",
    "r2": "#7a9fc1",
    "r3": "#3f719c",
    # Diverging around a real center: orange above, blue below.
    "d0": "#8f3b0e",
    "d1": "#d8894f",
    "d2": "#eef0f2",
    "d3": "#7ba3c6",
    "d4": "#1f5484",
    # UK Analysis Function categorical palette; neighbors differ by 3:1.
    "c2": "#28a197",
    "c3": "#801650",
    "c4": "#f46a25",
    "c5": "#3d3d3d",
    "c6": "#a285d1",
}
DARK = {
    "paper": "#12181e",
    "wash": "#1a222a",
    "ink": "#e6ebf0",
    "muted": "#a3afbb",
    "rule": "#38434e",
    "context": "#77838f",
    "accent": "#8fc1ee",
    "warn": "#f0977f",
    "good": "#7fd0ae",
    "nodata": "#2a2723",
    "hatch": "#6d675d",
    "r0": "#20303f",
    "r1": "#2f4d69",
    "r2": "#4b7aa3",
    "r3": "#6ea3d2",
    "d0": "#ffb486",
    "d1": "#b96f3a",
    "d2": "#2a323a",
    "d3": "#4f83b3",
    "d4": "#a3cdf2",
    "c2": "#3fc4b8",
    "c3": "#d873ac",
    "c4": "#ff9559",
    "c5": "#c9ced3",
    "c6": "#b9a0e3",
}
PRINT = {**LIGHT, "ink": "#000000", "muted": "#444444", "rule": "#bbbbbb", "wash": "#ffffff", "context": "#7b858e"}

PAPER, INK, MUTED, RULE, CONTEXT = (LIGHT[name] for name in ("paper", "ink", "muted", "rule", "context"))
ACCENT, WARN, GOOD, NODATA, HATCH = (LIGHT[name] for name in ("accent", "warn", "good", "nodata", "hatch"))
RAMP = [LIGHT[f"r{i}"] for i in range(4)] + [ACCENT]
DIVERGING = [LIGHT[f"d{i}"] for i in range(5)]
CATEGORIES = [ACCENT, *(LIGHT[f"c{i}"] for i in range(2, 7))]
NAMES = {color: name for name, color in LIGHT.items()}

FONT = "DejaVu Sans"
WIDTH = 576.0  # points; one column of the page
SIZE = 10.0  # points; about 13 px when the column is full

# Text stays text (searchable, small), and one font that ships with matplotlib: any other changes the layout by machine.
DRAWING: Any = {  # settings of matplotlib, whose names it types one by one
    "svg.fonttype": "none",
    "svg.hashsalt": "catchment",
    "svg.id": None,
    "font.family": FONT,
    "font.size": SIZE,
    "hatch.linewidth": 0.8,
    "hatch.color": HATCH,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": False,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": SIZE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 5,
    "ytick.major.pad": 6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 72,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "path.simplify": True,
    "lines.solid_capstyle": "round",
    "lines.linewidth": 2.0,
}


def variables(tokens: dict[str, str]) -> str:
    """The tokens as CSS custom properties."""
    return "".join(f"--{name}:{color};" for name, color in tokens.items())


def shades(n: int) -> list[str]:
    """`n` steps (2 to 5) of the sequential ramp, always from near-white to the accent."""
    picks = {2: (1, 4), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}
    if n not in picks:
        raise ValueError(f"a ramp has 2 to 5 steps, not {n}: more cannot be told apart")
    return [RAMP[i] for i in picks[n]]
