"""One HTML file that opens alone: templates, styles, policy, filters."""

import base64
import hashlib
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(name: str, /, **values: object) -> str:
    """Returns a page: `NAME.html.j2` with its styles and, if it has one, its script.

    Args:
        name: Of the template, and of `NAME.css` and `NAME.js` beside it.
        values: What the template shows.
    """
    style = _read("page.css") + _read(f"{name}.css")
    script = _read(f"{name}.js")
    page = _environment().get_template(f"{name}.html.j2")
    return page.render(
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        **values,
    )


def _read(name: str) -> str:
    path = _TEMPLATES / name
    return path.read_text("utf-8") if path.exists() else ""


def _environment() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        visible=visible, number=number, duration=duration, percent=percent
    )
    return templates


def _policy(style: str, script: str) -> str:
    """Allows pictures inside the page and exactly this style and this script."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_source_hash(style)}'",
            f"script-src '{_source_hash(script)}'" if script else "script-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def visible(text: str | None) -> str:
    r"""Returns text with invisible characters spelled out: `\u202e`, `\n`, `\x1b`.

    A right-to-left override in a file name could otherwise make `gpj.exe` of `exe.jpg`.
    """
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape").decode("ascii")
        for character in text or ""
    )


def number(value: float, digits: int = 0) -> str:
    """Returns a number with thousands separated: `12,345.6`."""
    return f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """Returns a share 0..1 as `34%`, `3.4%` or `<0.1%`; only all of it is `100%`."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    digits = 1 if 0 < share < 0.0995 or 0.995 <= share < 1 else 0
    return f"{100 * share:.{digits}f}%"


def duration(seconds: float) -> str:
    """Returns `41.3 s`, `12 min 5 s` or `7 h 32 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"
