"""Lists of names are read whole, in every case a name may stand in, and hold no ordinary word by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.content.formats import UnusableFileError
from bot.content.loader import find_responses
from bot.content.names import Names, declined, read_names
from bot.content.scrubbing import ordinary_words
from bot.conversation.library import Library

LANGUAGES = ("en", "ru", "es")


@pytest.fixture(scope="module")
def names() -> Names:
    """All of them together."""
    together = Names()
    for code in LANGUAGES:
        together |= read_names(find_responses() / code / "names.txt", code)
    return together


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_language_has_three_hundred_names_and_more(code: str) -> None:
    rows = (find_responses() / code / "names.txt").read_text(encoding="utf-8").splitlines()
    given = {word for row in rows if row and row[0] not in "#+" for word in row.split() if word[0] != "!"}
    assert len(given) >= 300


@pytest.mark.parametrize(
    ("name", "form"),
    [("саша", "сашей"), ("юля", "юлю"), ("андрей", "андрею"), ("игорь", "игорем"), ("иван", "ивана"), ("санек", "саньку"),
     ("павел", "павла"), ("мария", "марии")],
)  # fmt: skip
def test_a_russian_name_is_known_in_its_cases(name: str, form: str) -> None:
    assert form in set(declined(name))


@pytest.mark.parametrize(("word", "is_one"), [("петрович", True), ("ивановне", True), ("сергеевной", True), ("уровне", False),
                                              ("основна", False), ("москвич", False)])  # fmt: skip
def test_a_fathers_name_is_told_from_other_words(word: str, is_one: bool, names: Names) -> None:
    assert names.is_patronymic(word) is is_one


def test_no_name_in_small_letters_is_a_word_of_our_texts(names: Names, library: Library) -> None:
    texts = [text for response in library.responses.values() for text in response.voices.values()]
    assert names.sure & ordinary_words(texts) == frozenset()


def test_what_is_an_ordinary_word_in_one_language_is_doubtful_in_all(names: Names) -> None:
    assert not names.sure & names.doubtful
    assert {"will", "dolores", "вера", "marco", "кости"} <= names.doubtful


@pytest.mark.parametrize("line", ["John, Jack", "John 2", "* John", "+Smith", "John  Jack"])
def test_a_line_that_is_none_of_names_is_told_with_its_number(line: str, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text(f"# names\n{line}\n", encoding="utf-8")
    with pytest.raises(UnusableFileError) as caught:
        read_names(path, "en/names.txt")
    assert [str(fault) for fault in caught.value.faults] == ["en/names.txt:2: not a line of names"]


def test_a_list_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableFileError):
        read_names(tmp_path / "names.txt", "en/names.txt")
