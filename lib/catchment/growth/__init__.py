"""The growth room: forecasts into initiatives, capacity, money, and how sure that is."""
