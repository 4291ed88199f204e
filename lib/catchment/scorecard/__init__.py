"""The scorecard room: indicators against their limits, the budget, accreditation and its playbook."""
