"""Style sheet and script of the report, and its font."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files


@cache
def read_asset(name: str) -> str:
    """The text of an asset."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def font_faces() -> str:
    """The figures' font as CSS, so that text in figures has the widths it was measured with."""
    faces = []
    for name, weight, style in (("Regular", 400, "normal"), ("Bold", 700, "normal"), ("Italic", 400, "italic")):
        content = files("synthesis.draw").joinpath("fonts", f"SynthesisSans-{name}.ttf").read_bytes()
        encoded = base64.b64encode(content).decode("ascii")
        faces.append(
            f"@font-face{{font-family:'Synthesis Sans';font-weight:{weight};font-style:{style};"
            f"src:url(data:font/ttf;base64,{encoded}) format('truetype')}}"
        )
    return "\n".join(faces) + "\n"
