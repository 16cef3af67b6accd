"""Figures: layouts as data, then drawn on one canvas and written in one place."""
