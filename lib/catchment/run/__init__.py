"""From settings and notebooks to published pages: plan, execute, render, publish, remember."""
