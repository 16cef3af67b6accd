"""`synthesis <command>`: one command per rule."""

from synthesis.cli.main import main

__all__ = ["main"]
