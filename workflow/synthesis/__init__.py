"""Meta-analysis of alliance associations and protocol effects. `import synthesis; synthesis.pool(yi, vi)`."""

from synthesis.pool.fit import Fit, pool

__all__ = ["Fit", "pool"]
__version__ = "0.1.0"
