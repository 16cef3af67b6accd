"""Config and table models: the single source for schemas, defaults and the data dictionary."""
