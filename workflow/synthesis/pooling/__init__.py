"""Random-effects pooling: heterogeneity, dependence, the fit, and the second route that checks it."""
