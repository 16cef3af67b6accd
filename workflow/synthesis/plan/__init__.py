"""What the user asked for: the plan's models, conditions, checks, and the part of it that a job needs."""
