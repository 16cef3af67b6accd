"""Figures: first a layout, a table that can be tested, then ink."""
