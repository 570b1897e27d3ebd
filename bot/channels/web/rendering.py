"""Pages out of templates and vetted texts. No template holds a word of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bot.assistant import Assistant
from bot.markup import AWAY, web_html
from bot.vocabulary import Audience, ClearedReply, Passage, Profile, Urgency

PAGES = Path(__file__).parent / "pages"
ASSETS: Mapping[str, str] = {
    "style.css": "text/css; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Files that pages load, from memory and by these names alone."""
WORKER = "worker.js"
READABLE: Mapping[str, str] = {"privacy": "privacy", "about": "about-bot"}
"""Answers with a page at an address of their own."""
OUT_OF_THE_FRAME = ' target="_blank" rel="noopener noreferrer"'
"""
What links carry instead where the chat stands in another site. No page but the chat may be framed, ours or others': the
browser would show none in the frame, and the talk would be gone.
"""


@dataclass(frozen=True)
class Furniture:
    """What every page of a language needs, made once: with 251 countries, their lists are most of a page."""

    language: str
    words: Mapping[str, str]
    options: str
    numbers: Markup
    topics: tuple[tuple[str, str], ...] = field(default=())
    readable: Mapping[str, str] = field(default_factory=dict)
    """Titles of the answers that have an address of their own, by it; of those alone that are served."""

    def options_with(self, country: str | None) -> Markup:
        """All countries to choose from, one of them chosen."""
        chosen = f'<option value="{country}"'
        return Markup(self.options.replace(chosen, f"{chosen} selected", 1) if country else self.options)


class Rendering:
    """Renders pages, in the languages whose words were vetted."""

    def __init__(self, assistant: Assistant, public_url: str | None) -> None:
        self.assistant = assistant
        self.public_url = (public_url or "").rstrip("/")
        self.assets = {name: (PAGES / name).read_bytes() for name in ASSETS}
        self.version = sha256(b"".join(self.assets.values()) + self._texts()).hexdigest()[:12]
        self.furniture = {code: furniture_of(assistant, code) for code, w in assistant.library.words.items() if w.web}
        self.languages = tuple(self.furniture)
        self._templates = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["passage"] = passage_html

    def _texts(self) -> bytes:
        """What tells that the texts of the card are other ones than before."""
        return "".join(sorted(self.assistant.library.manifest)).encode()

    @property
    def worker(self) -> str:
        """The service worker, which knows what to keep and under which name."""
        kept = [f"/emergency?language={code}" for code in self.languages]
        kept += [f"/assets/{name}?{self.version}" for name in ASSETS]
        text = (PAGES / WORKER).read_text(encoding="utf-8")
        return text.replace("@VERSION@", self.version).replace("@KEPT@", " ".join(kept))

    def page(self, template: str, language: str, **facts: Any) -> str:
        """A page in one of our languages."""
        furniture = self.furniture[language]
        known: dict[str, Any] = {
            "w": furniture.words,
            "language": language,
            "languages": [(code, self.assistant.library.words[code].name) for code in self.languages],
            "countries": furniture.options_with(facts.get("profile", Profile()).country),
            "numbers": furniture.numbers,
            "audiences": list(Audience),
            "emergency": Urgency.EMERGENCY,
            "version": self.version,
            "public_url": self.public_url,
            "embedded": False,
            "away": Markup(OUT_OF_THE_FRAME if facts.get("embedded") else AWAY),
            "contact": self.assistant.library.directory.contact(
                facts.get("profile", Profile()).country, self.assistant.library.words[language].services
            ),
            "profile": Profile(language),
            "readable": furniture.readable,
        }
        return self._templates.get_template(template).render({**known, **facts})

    def pointer(self, language: str, country: str | None) -> Markup:
        """Whom to call, as every reply says it."""
        return Markup(web_html(self.assistant.library.pointer(language, country)))

    def titles(self, language: str, reply: ClearedReply) -> list[tuple[str, str]]:
        """The choices of a reply that are answers to read, by topic and title."""
        return [(c.send.removeprefix("/answer "), c.label) for c in reply.choices if c.send.startswith("/answer ")]


@pass_context
def passage_html(context: Context, passage: Passage) -> Markup:
    """A passage as HTML, its links as those of the page around it."""
    return Markup(web_html(passage, context["away"]))


def furniture_of(assistant: Assistant, language: str) -> Furniture:
    """Words, countries by name, and all answers of a language."""
    library = assistant.library
    words = library.words[language]
    known = {code: name for code, name in words.places.names.items() if code in library.directory.countries}
    named = sorted(known.items(), key=lambda item: collated(item[1]))
    options = [f'<option value="{code}">{escape(name)}</option>' for code, name in named]
    numbers = [f'<li id="in-{code}">{web_html(library.pointer(language, code))}</li>' for code, _ in named]
    topics = tuple(
        (topic.id, library.title(language, topic.id))
        for topic in library.topics.values()
        if topic.group not in {"steps", "meta", "service"} and library.response(language, topic.id)
    )
    readable = {
        name: library.title(language, topic) for name, topic in READABLE.items() if library.response(language, topic)
    }
    return Furniture(language, words.web, "\n".join(options), Markup("\n".join(numbers)), topics, readable)


def collated(name: str) -> str:
    """A name as a reader looks for it: letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", name.lower()) if unicodedata.category(c) != "Mn")
