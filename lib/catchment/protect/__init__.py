"""What leadership may see: thresholds, suppression, precision, and what published tables tell when they are put side by side."""
