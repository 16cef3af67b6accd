"""Figures: layouts as data, then ink."""
