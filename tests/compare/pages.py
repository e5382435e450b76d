"""A report as a strict reader sees it: its elements, its words, and everything it would fetch or run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img", "link"}


class Page(HTMLParser):
    """Reads a page; fails on elements that are closed in another order than opened.

    Attributes:
        elements: every start tag with its attributes.
        words: all text outside scripts and styles.
        scripts, styles: their text.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            self.scripts.append(data)
        elif inside == "style":
            self.styles.append(data)
        else:
            self.words += data

    @property
    def fetched(self) -> list[str]:
        """Everything that a browser would load: addresses in attributes and styles, other than data in the page."""
        found = [
            value
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href") and value
        ]
        for style in [*self.styles, *(attributes.get("style") or "" for _, attributes in self.elements)]:
            found += re.findall(r"url\(\s*[\"']?([^)\"']+)", style) + re.findall(r"@import\s+(\S+)", style)
        return [address for address in found if not address.startswith("data:image/")]

    @property
    def handlers(self) -> list[str]:
        """Attributes that would run something."""
        return [
            f"{tag} {name}={value}"
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name.startswith("on") or "javascript:" in (value or "").lower()
        ]
