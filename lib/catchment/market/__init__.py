"""The market room: where patients live, what they need, who serves them, and where the opportunity is."""
