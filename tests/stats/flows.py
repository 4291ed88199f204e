"""A planted market that the tests of choice and gravity models share."""

import numpy as np
import pandas as pd

from catchment.stats import choice


def planted():
    """Sizes, distances and flows of 60 places to 12 centers, by exponents 0.9 and -1.6."""
    random = np.random.default_rng(8)
    mass, km = random.uniform(50, 600, 12), random.uniform(0.2, 60, (60, 12))
    share = choice.huff(mass, km, gamma=0.9, lambda_=-1.6)
    flows = np.array([random.multinomial(800, row) for row in share])
    return mass, km, flows


def pairs_of(mass, km, flows):
    """Flows in rows, as `gravity` reads them."""
    i, j = np.indices(flows.shape)
    return pd.DataFrame(
        {
            "origin": [f"o{v:03}" for v in i.ravel()],
            "destination": [f"d{v:03}" for v in j.ravel()],
            "flow_n": flows.ravel(),
            "dist_km": km.ravel(),
            "mass_o": flows.sum(axis=1)[i.ravel()],
            "mass_d": mass[j.ravel()],
        }
    )
