"""The shape of a labelled file: questions, and conversations of several turns, with what counts as right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AliasChoices, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from bot.vocabulary import Urgency

READ_ALIKE = ConfigDict(extra="ignore", frozen=True)


class EvaluationError(Exception):
    """A file of the evaluation cannot be used; who runs it mends it."""


class Labels(BaseModel):
    """What counts as right for one message."""

    model_config = READ_ALIKE

    urgency: Urgency
    dosing: bool
    topics: tuple[str, ...]
    also_urgency: tuple[Urgency, ...] = ()
    also_dosing: bool | None = None


class LabelledQuestion(Labels):
    """A message with its labels: a row of its own, or a turn of a conversation. `meaning` is its sub-meaning."""

    id: str
    text: str
    language: Annotated[str, Field(validation_alias=AliasChoices("lang", "language"))]
    audience: Literal["teen", "parent", "anyone"] = "anyone"
    tags: tuple[str, ...] = ()
    meaning: str | None = None


class LabelledTurn(BaseModel):
    """A message within a conversation; its language where it is not the conversation's."""

    model_config = READ_ALIKE

    text: str
    expect: Labels
    language: Annotated[str | None, Field(validation_alias=AliasChoices("lang", "language"))] = None


class LabelledConversation(BaseModel):
    """One row: messages of one person, one after another."""

    model_config = READ_ALIKE

    id: str
    language: Annotated[str, Field(validation_alias=AliasChoices("lang", "language"))]
    audience: Literal["teen", "parent", "anyone"] = "anyone"
    tags: tuple[str, ...] = ()
    turns: Annotated[tuple[LabelledTurn, ...], Field(min_length=1)]

    @property
    def talk(self) -> Talk:
        """Its turns as labelled questions; the second of "c-en-1" is "c-en-1.2"."""
        return tuple(
            LabelledQuestion(
                id=f"{self.id}.{number}",
                text=turn.text,
                language=turn.language or self.language,
                audience=self.audience,
                tags=self.tags,
                **dict(turn.expect),
            )
            for number, turn in enumerate(self.turns, 1)
        )


Talk: TypeAlias = tuple[LabelledQuestion, ...]
"""Messages that are answered one after another, each with the session that the one before left."""


@dataclass(frozen=True)
class Labelled:
    """All rows of a file, of either kind."""

    questions: tuple[LabelledQuestion, ...]
    conversations: tuple[Talk, ...] = ()


def kind_of(row: object) -> str:
    """A row with turns is a conversation."""
    return "conversation" if isinstance(row, dict) and "turns" in row else "question"


ROW: TypeAdapter[LabelledQuestion | LabelledConversation] = TypeAdapter(
    Annotated[
        Annotated[LabelledQuestion, Tag("question")] | Annotated[LabelledConversation, Tag("conversation")],
        Discriminator(kind_of),
    ]
)


def read_labelled(path: Path) -> Labelled:
    """
    A labelled file, one JSON object a line.

    Raises:
        EvaluationError: it cannot be read, or a row is not in its shape; with the line.
    """
    rows = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise EvaluationError(f"{path}: cannot be read") from error
    # Not splitlines(): of the line ends that it knows, some stand as they are in a JSON string.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        try:
            rows.append(ROW.validate_json(line))
        except ValidationError as error:
            raise EvaluationError(f"{path}:{number}: {error.errors()[0]['msg']}") from error
    if not rows:
        raise EvaluationError(f"{path}: holds no questions")
    return Labelled(
        tuple(row for row in rows if isinstance(row, LabelledQuestion)),
        tuple(row.talk for row in rows if isinstance(row, LabelledConversation)),
    )
