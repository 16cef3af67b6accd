"""Meta-analysis of alliance associations and protocol effects. `import synthesis; synthesis.pool(yi, vi)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthesis.pooling.fit import Fit, pool

__all__ = ["Fit", "pool"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Late, so that a command that does not fit anything does not import numpy and scipy.
    if name in __all__:
        from synthesis.pooling import fit

        return getattr(fit, name)
    raise AttributeError(f"module 'synthesis' has no attribute {name!r}")
