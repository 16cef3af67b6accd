"""The page around the sections: head, content policy, contents, style, script and data."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

from synthesis.report.assets import font_faces, read_asset
from synthesis.report.embedding import data
from synthesis.report.markup import safe
from synthesis.report.material import Material
from synthesis.report.sections import SECTIONS

_HEADING = re.compile(r"<h3 id='([^']*)'>(.*?)</h3>", re.DOTALL)


def _hash(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii") + "'"


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, and nothing runs but the script that was hashed here."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def plain(title: str, body: str) -> str:
    """A page of its own beside the report: its style, no script, no font."""
    style = read_asset("style.css")
    policy = f"default-src 'none'; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='color-scheme' content='light dark'>\n"
        f"<title>{safe(title)}</title>\n<style>{style}</style></head>\n"
        f"<body><header><h1>{safe(title)}</h1></header>\n<main id='main'>\n{safe(body)}\n</main>\n</body></html>\n"
    )


def render(material: Material) -> str:
    """The report as HTML."""
    style, script = font_faces() + read_asset("style.css"), read_asset("report.js")
    title = escape(material.config.title)
    contents, bodies = [], []
    for section in SECTIONS:
        body = section.body(material)
        if not body:
            continue
        below = "".join(f"<li><a href='#{name}'>{words}</a></li>" for name, words in _HEADING.findall(body))
        below = f"<ol>{below}</ol>" if below else ""
        contents.append(f"<li><a href='#{section.name}'>{safe(section.title)}</a>{below}</li>")
        bodies.append(
            f"<section aria-labelledby='{section.name}'><h2 id='{section.name}'>{safe(section.title)}</h2>\n"
            f"{body}</section>"
        )
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='color-scheme' content='light dark'>\n"
        f"<title>{title}</title>\n<style>{style}</style></head>\n"
        "<body><a class='skip' href='#main'>Skip to the results</a>\n"
        f"<header><h1>{title}</h1></header>\n"
        f"<nav aria-label='Contents'><details open><summary>Contents</summary><ol>{''.join(contents)}</ol></details>"
        "</nav>\n<main id='main'>\n" + "\n".join(bodies) + "\n</main>\n"
        f"<script type='application/json' id='data'>{data(material)}</script>\n"
        f"<script>{script}</script>\n</body></html>\n"
    )
