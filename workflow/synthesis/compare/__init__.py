"""The comparison: same-metric contrasts, the bridge from r to d, relevance, claims and what would turn them."""
