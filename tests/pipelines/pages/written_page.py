"""A written page, taken apart: its elements, its text, its pictures."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from pipelines.pages import night
from pipelines.score.layout import NightFolder
from tests.drawn.fake_night import NIGHT, RUN_DATE

_VOID_ELEMENTS = {"meta", "img", "input"}


class Page(HTMLParser):
    """The page's elements in order, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.sources = {"style": "", "script": ""}
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.sources:
            self.sources[self.open[-1]] += data
        else:
            self.text += f" {data}"

    def find(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            found
            for name, found in self.elements
            if name == tag and wanted.items() <= found.items()
        ]

    @property
    def seen(self) -> str:
        return re.sub(r"\s+", " ", self.text)


def build(out: str) -> Page:
    uri = night.build(NightFolder(out, RUN_DATE))
    assert uri.endswith(f"/report/{NIGHT}/index.html")
    page = Page(Path(uri).read_text("utf-8"))
    assert page.open == [], "every element is closed"
    return page


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(data_of(uri)))


def data_of(uri: str) -> bytes:
    kind, _, encoded = uri.partition(",")
    assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
    return base64.b64decode(encoded)
