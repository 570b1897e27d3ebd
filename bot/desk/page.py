"""All that the bot says in a language on one HTML page, for reading on a screen, a phone or paper: `library page`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.content.shelf import read_shelf
from bot.desk.manuscript import Desk, file_reviews, read_desk
from bot.desk.reading import Group, groups, seeds, word_tables
from bot.desk.territories import CONFIDENCE, MEANING, counts, directory_sources, territories
from bot.vocabulary import ReviewKind

INDEX = "index.html"
MARKS: Mapping[str, str] = {
    "waiting": "not served",
    "changed": "changed since signed",
    "due": "review due or past due",
    "left-out": "leaves out a fact or a must",
}
"""By which states a page can be narrowed, and the words for them."""


class UnknownCountryError(Exception):
    """The directory has no such territory; who makes the page names another."""


def make_pages(root: Path, required: ReviewKind, today: date, country: str | None) -> Mapping[str, str]:
    """
    A page for each language and an index of them, by file name. They need no network and read whole without script.

    Args:
        today: the day by which reviews are due.
        country: whose pointer and help lines stand beside each text; None: those of a reader who named none.

    Raises:
        UnusableFileError: without a file that cannot be used no reply can be shown.
        UnknownCountryError: the directory does not have the country.
    """
    shelf, _ = read_shelf(root)
    desk = read_desk(shelf, required, today)
    if country is not None and country not in desk.written.directory.countries:
        raise UnknownCountryError(country)
    texts = {language: groups(desk, language, country) for language in shelf.languages}
    pages = {f"{language}.html": language_page(desk, language, country, found) for language, found in texts.items()}
    return {INDEX: index_page(desk, country, texts), **pages}


def language_page(desk: Desk, language: str, country: str | None, texts: Sequence[Group]) -> str:
    """One language: texts, words, seed claims, directory."""
    listed = territories(desk, language)
    return (
        environment()
        .get_template("page.html")
        .render(
            desk=desk,
            language=language,
            why_not=desk.language_faults(language),
            name=desk.shelf.languages[language].name,
            country=country,
            country_name=desk.written.words[language].places.names.get(country or "", country),
            groups=texts,
            total=sum(len(group.entries) for group in texts),
            tally=tally(texts),
            marks=MARKS,
            words=word_tables(desk, language),
            seeds=seeds(desk, language),
            territories=listed,
            counts=counts(listed),
            directory_sources=directory_sources(desk),
            shared=file_reviews(desk),
            meaning={CONFIDENCE[level]: meaning for level, meaning in MEANING.items()},
        )
    )


def index_page(desk: Desk, country: str | None, texts: Mapping[str, Sequence[Group]]) -> str:
    """The way to each language's page, with how much there is and how much waits."""
    rows = [
        (language, desk.shelf.languages[language].name, sum(len(group.entries) for group in found), tally(found))
        for language, found in texts.items()
    ]
    template = environment().get_template("index.html")
    return template.render(desk=desk, country=country, rows=rows, marks=MARKS, shared=file_reviews(desk))


def tally(texts: Sequence[Group]) -> Mapping[str, int]:
    """How many texts are in each state."""
    return {mark: sum(mark in entry.marks for group in texts for entry in group.entries) for mark in MARKS}


@cache
def environment() -> Environment:
    """The templates beside this module; a name that they do not get is an error, not a gap."""
    return Environment(
        loader=PackageLoader("bot.desk", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_pages(pages: Mapping[str, str], folder: Path) -> None:
    """
    Write each page into a folder, which is made where it is not there.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in pages.items():
        (folder / name).write_text(page, encoding="utf-8")
