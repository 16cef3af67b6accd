"""Living review: two extractions compared, releases as data packages, and what changed since the last one."""
