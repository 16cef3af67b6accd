"""The one environment of all pages: every text is escaped, and a name that a template lacks is an error."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache, partial

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from synthesis import text
from synthesis.report.content import web
from synthesis.report.wording import decoded
from synthesis.results.files import json_text


def rendered(template: str, **context: object) -> str:
    """A page from its template in `templates/`. Raises jinja2.UndefinedError for a name that is not given."""
    return _environment().get_template(template).render(context)


def trusted(written: str) -> Markup:
    """What this package wrote itself (a drawing, the style sheet, the script): the only text that is not escaped."""
    return Markup(written)  # noqa: S704


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("synthesis.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "digest": _digest,
        "plural": text.plural,
        "thousands": text.count,
        "unbroken": _unbroken,
        "decoded": decoded,
    }
    environment.tests["web"] = web
    # The filter `tojson` escapes what could end a script element.
    dumps = partial(json_text, "the report, data of the figures")
    environment.policies |= {"json.dumps_function": dumps, "json.dumps_kwargs": {}}
    return environment


def _unbroken(words: str) -> str:
    """A text in which no line ends inside "g = 0.40" or "\u03c4\u00b2 = 0"."""
    return re.sub(r"\b([rgdQ]|OR|RR|[\u03c4\u03c9I]\u00b2) = (?=[\d\N{MINUS SIGN}])", "\\1\u00a0=\u00a0", words)


def _digest(content: str) -> str:
    """The hash by which a content security policy allows a style or a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")
