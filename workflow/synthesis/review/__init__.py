"""One synthesis of the plan: fitted, diagnosed, checked by a second route."""
