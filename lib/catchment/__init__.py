"""Catchment: market, referral, growth and philanthropy reports for an academic health system's oncology partners."""
