"""The field's methods as pure functions: arrays or tidy frames in, the named quantity out; no subject, no settings, no files, no plots."""
