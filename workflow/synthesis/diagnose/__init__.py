"""Diagnostics of a fit: publication bias, selection models, influence."""
