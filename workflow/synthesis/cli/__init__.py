"""`synthesis <command>`: one command per rule."""
