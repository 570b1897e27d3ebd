"""The emergency card to print or to keep: the vetted words and no others."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from bot.content.formats import Role
from bot.content.loader import find_responses, load
from bot.conversation.library import Library
from bot.desk.card import A4, A6, PHONE, TOPIC, CardError, blocks, card_of, laid_out, make_card
from bot.desk.review import reviewed_files, sign_files
from bot.markup import plain

READ_BY: tuple[Role, ...] = ("author", "second-reader")
URL = "https://bot.example"


@pytest.fixture(scope="module")
def read_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The real texts, all taken as read by two: their review is not what these tests are about."""
    copy = tmp_path_factory.mktemp("card") / "responses"
    shutil.copytree(find_responses(), copy, ignore=shutil.ignore_patterns("questions", "model"))
    for role in READ_BY:
        names = [(folder / n).relative_to(copy).as_posix() for folder, ns in reviewed_files(copy).items() for n in ns]
        sign_files(copy, names, role, date(2026, 1, 1))
    return load(copy).library


def words_of(text: str) -> list[str]:
    """Words as they stand, whatever the lines."""
    return text.split()


def vetted(library: Library, language: str, country: str | None) -> list[str]:
    """The words of the card as they were reviewed."""
    response = library.response(language, TOPIC)
    assert response
    texts = [response.title, plain(library.pointer(language, country).text), plain(response.text(None, None))]
    return words_of(" ".join(texts))


@pytest.mark.parametrize("country", ["KZ", "US", "AQ", None])
@pytest.mark.parametrize("language", ["en", "ru", "es"])
def test_the_files_hold_the_vetted_words_in_order(
    language: str, country: str | None, read_library: Library, tmp_path: Path
) -> None:
    made = make_card(read_library, language, country, tmp_path, URL)
    assert [path.suffix for path in made] == [".pdf", ".pdf", ".png"]
    expected = vetted(read_library, language, country)
    for path in made[:2]:
        pdf = PdfReader(path)
        assert len(pdf.pages) == 1
        shown = words_of(pdf.pages[0].extract_text())
        bare = [word for word in shown if not (word.isdigit() and len(word) == 1)]
        assert bare[: len([w for w in expected if w.rstrip(".") not in "123456"])] == [
            word for word in expected if word.rstrip(".") not in "123456"
        ]
        assert pdf.metadata
        assert pdf.metadata.title == read_library.title(language, TOPIC)
        assert str(pdf.root_object["/Lang"]) == language
    with Image.open(made[2]) as picture:
        assert picture.size == (1080, 1920)
        assert words_of(picture.text["Description"])[: len(expected)] == expected  # type: ignore[attr-defined]


def test_everything_fits_on_every_page_for_every_country(read_library: Library) -> None:
    for language in read_library.languages:
        for country in (None, "AQ", "CD", "KZ", "US", "GS"):
            texts = blocks(read_library, language, card_of(read_library, language, country), URL)
            for page in (A4, A6, PHONE):
                layout = laid_out(texts, page, URL)
                assert all(line.y < page.height - page.margin / 2 for line in layout.lines)
                assert min(line.size for line in layout.lines) / page.width > 0.012, (language, country, page.name)


def test_without_an_address_there_is_no_code(read_library: Library, tmp_path: Path) -> None:
    texts = blocks(read_library, "en", card_of(read_library, "en", None), None)
    assert laid_out(texts, A6, None).code is None
    made = make_card(read_library, "en", None, tmp_path)
    assert "http" not in PdfReader(made[0]).pages[0].extract_text()


def test_the_same_texts_make_the_same_picture(read_library: Library, tmp_path: Path) -> None:
    one = make_card(read_library, "ru", "KZ", tmp_path / "one", URL)
    two = make_card(read_library, "ru", "KZ", tmp_path / "two", URL)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_a_text_that_is_not_served_makes_no_card(read_library: Library, tmp_path: Path) -> None:
    without = {key: response for key, response in read_library.responses.items() if key != ("es", TOPIC)}
    with pytest.raises(CardError):
        make_card(replace(read_library, responses=without), "es", None, tmp_path)
