"""What the partner's other pages said: their takeaways, findings, KPI cards and key numbers, handed over by the runner.

Only the pages that a notebook names in its metadata (`needs`) are there. By hand, outside of a run, there are none.
"""

import json
import os
from pathlib import Path
from typing import Any


def needed() -> dict[str, dict[str, Any]]:
    """The summaries of the needed pages by notebook name.

    Each has `title`, `takeaways`, `findings`, `kpis` and `numbers`; `before` with the numbers of the last published version that
    said others (`run`, `produced`, `numbers`), `last_good` with the day of the page when its newest build failed, and `missing` with
    the reason when there is no page at all.
    """
    path = os.environ.get("CATCHMENT_NEEDED")
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
