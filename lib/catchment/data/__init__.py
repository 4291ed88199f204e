"""Tables: the catalogue, their contracts, and reading them for one partner.

`data.Tables(settings).read("hospital_flows", year=2023)` returns the partner's rows, checked, or raises one clear `DataError`.
"""

from .catalog import Column, Table, catalog
from .load import Tables
from .origin import Origin
from .problem import DataError, Problem
from .scan import between

__all__ = ["Column", "DataError", "Origin", "Problem", "Table", "Tables", "between", "catalog"]
