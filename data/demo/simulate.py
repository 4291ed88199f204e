"""Write every simulated table of the demo, byte for byte the same each time.

    python data/demo/simulate.py [FOLDER]

FOLDER defaults to this one. Each subject's module of ``simulation`` writes its tables and states at its head what it plants
in them (``TRUTH``), so that tests can check that the notebooks find it; gifts and referrals have their parts beside them.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from simulation import flows, gifts, kpis, referrals, volumes  # noqa: E402

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for subject in (flows, referrals, volumes, gifts, kpis):
        subject.write(folder)
        print(f"{subject.__name__.rpartition('.')[2]}: written below {folder}")
