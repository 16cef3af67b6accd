"""The statistics: numpy and scipy only; arrays in, frozen dataclasses out."""
