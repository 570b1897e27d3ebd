"""How people ask: the labelled questions that the heads are fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter

from bot.content.formats import FileFault, QuestionHead, TopicFile, UnusableFileError, parsed
from bot.conversation.library import ASIDE, NO_DOSING
from bot.vocabulary import Urgency

CONVERSATIONS = "conversations.txt"
HEAD: TypeAdapter[QuestionHead] = TypeAdapter(QuestionHead)


@dataclass(frozen=True)
class Question:
    """
    One message with its labels.

    `group` is its language, file and sub-meaning or conversation: questions are split for testing by it, never row by
    row. `path` and `line` say where it stands. `after` is the topic that the talk was about before it; None where it
    stands alone, or where nothing was said that it could lean on.
    """

    text: str
    language: str
    urgencies: frozenset[Urgency]
    dosing: bool
    topic: str
    group: str
    path: str
    line: int
    after: str | None = None

    @property
    def is_turn(self) -> bool:
        """Whether it is a turn of a conversation: its group then is no sub-meaning."""
        return self.path.endswith(CONVERSATIONS)


def read_questions(
    root: Path, languages: tuple[str, ...], topics: Mapping[str, TopicFile]
) -> tuple[tuple[Question, ...], tuple[FileFault, ...]]:
    """Every question of the languages, in the order of files and lines, and what is wrong with the files."""
    rows: list[Question] = []
    faults: list[FileFault] = []
    for language in languages:
        paths = sorted((root / language / "questions").glob("*.txt"))
        for path in [*paths, *(root / language).glob(CONVERSATIONS)]:
            shown = path.relative_to(root).as_posix()
            try:
                text = path.read_text(encoding="utf-8")
                if path.name == CONVERSATIONS:
                    rows += turns_of(text, language, shown, topics)
                else:
                    rows += questions_of(text, path.stem, language, shown, topics)
            except UnusableFileError as error:
                faults += error.faults
            except (OSError, UnicodeError) as error:
                faults.append(FileFault(shown, 0, f"cannot be read: {type(error).__name__}"))
    return tuple(rows), tuple(faults)


def questions_of(
    text: str, name: str, language: str, shown: str, topics: Mapping[str, TopicFile]
) -> Iterator[Question]:
    """
    The rows of one file: a head unless it is named for a topic, `# sub-meaning @ topic` before rows, a message a line.

    Raises:
        UnusableFileError: no head and no such topic, or a section of a topic that is none.
    """
    head, skip = head_of(text, name, shown, topics)
    topic, meaning = head.topic, ""
    for number, line in enumerate(text.splitlines(), 1):
        row = line.strip()
        if number <= skip or not row:
            continue
        if row.startswith("#"):
            meaning, _, other = row.lstrip("# ").partition(" @ ")
            topic = other.strip() or head.topic
            if topic not in topics:
                raise UnusableFileError((FileFault(shown, number, f"no topic {topic!r}"),))
            continue
        group = f"{language}/{name}/{meaning.strip()}"
        yield Question(row, language, frozenset(head.urgency), head.dosing, topic, group, shown, number)


def turns_of(text: str, language: str, shown: str, topics: Mapping[str, TopicFile]) -> Iterator[Question]:
    """
    The rows of a language's conversations: `# what it is` before each, then `topic: message` a line.

    A danger follows from the topic, and dosing from `no-dosing`; of a message with both `topic +dosing: message` tells.

    Raises:
        UnusableFileError: a line before any conversation, or one without a topic that there is.
    """
    conversation, before = None, None
    for number, line in enumerate(text.splitlines(), 1):
        row = line.strip()
        if row.startswith("#"):
            conversation, before = row.lstrip("# "), None
        elif row:
            label, _, message = row.partition(":")
            topic, _, dosing = label.partition(" ")
            if conversation is None or topic not in topics or dosing not in {"", "+dosing"} or not message.strip():
                raise UnusableFileError((FileFault(shown, number, "no `topic: message` of a conversation"),))
            urgency = topics[topic].urgency
            yield Question(
                message.strip(),
                language,
                frozenset() if urgency is Urgency.NONE else frozenset({urgency}),
                bool(dosing) or topic == NO_DOSING,
                topic,
                f"{language}/conversations/{conversation}",
                shown,
                number,
                before,
            )
            before = before if topic in ASIDE else topic


def head_of(text: str, name: str, shown: str, topics: Mapping[str, TopicFile]) -> tuple[QuestionHead, int]:
    """The labels of a file's rows, and how many lines its head takes."""
    lines = text.splitlines()
    if "---" in lines:
        end = lines.index("---")
        return parsed("\n".join(lines[:end]), HEAD, shown, 1), end + 1
    if name not in topics:
        raise UnusableFileError((FileFault(shown, 1, "neither a topic's file nor with a head"),))
    urgency = topics[name].urgency
    return QuestionHead(urgency=() if urgency is Urgency.NONE else (urgency,), dosing=False, topic=name), 0


def questions_digest(rows: tuple[Question, ...]) -> str:
    """A SHA-256 of all texts and labels: what the heads remember of their data."""
    whole = sha256()
    for row in rows:
        labels = ",".join(sorted(row.urgencies))
        whole.update(f"{row.text}\t{row.language}\t{labels}\t{row.dosing}\t{row.topic}\t{row.after}\n".encode())
    return whole.hexdigest()
