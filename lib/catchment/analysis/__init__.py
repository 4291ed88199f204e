"""Subjects as pure functions: tidy frames or arrays in, the named quantity out; no files, no plots, no settings."""
