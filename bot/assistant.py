"""respond(talk, message): recall, take the turn, remember, count. A reply always comes."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter

from bot.conversation.guard import Fault, Vouched, clear
from bot.conversation.language import folded
from bot.conversation.library import Library
from bot.conversation.reply import last_resort
from bot.conversation.stretches import stretches
from bot.conversation.turn import take_again, take_turn
from bot.conversation.understanding import understand
from bot.telemetry import FAULTS, TURN_SECONDS, count_failure, count_turn
from bot.vocabulary import (
    ClearedReply,
    Message,
    Passage,
    PassageKind,
    Profile,
    Session,
    Turn,
    Understanding,
    Urgency,
)

for _fault in Fault:  # from the start, or the first of a kind is no increase
    FAULTS.labels(_fault)


@dataclass(frozen=True)
class Answer:
    """
    What goes out, the session after it (None: forget it), and what was understood.

    `understanding` is None where understanding failed and the last resort goes out. `left` is a question that the person
    has just agreed to leave for the editors, scrubbed: a channel with a store keeps it.
    """

    reply: ClearedReply
    session: Session | None
    understanding: Understanding | None
    left: str | None = None


class Assistant:
    """
    Answers messages.

    `sessions` is where `respond` keeps them, by whatever a channel tells talks apart by; a channel with a store of
    its own recalls and remembers by itself, and uses `answer`.
    """

    def __init__(self, library: Library, sessions: MutableMapping[str, Session], channel: str = "terminal") -> None:
        self.library = library
        self.without_model = replace(library, encoder=None, heads=None)
        self.sessions = sessions
        self.channel = channel

    def respond(self, talk: str, message: Message) -> Answer:
        """The answer to one message of a talk. It never raises: whatever fails, the last resort goes out."""
        answer = self.answer(message, self.sessions.get(talk, Session()), self.channel)
        if answer.session is None:
            self.sessions.pop(talk, None)
        else:
            self.sessions[talk] = answer.session
        return answer

    def answer(self, message: Message, session: Session, channel: str) -> Answer:
        """The answer to one message after a session; without the model where that fails. It never raises."""
        return self._first_of((self.library, self.without_model), message, session, channel)

    def answer_without_model(self, message: Message, session: Session, channel: str) -> Answer:
        """The answer by signals, tables and commands alone, in a millisecond. It never raises."""
        return self._first_of((self.without_model,), message, session, channel)

    def sounds_grave(self, message: Message) -> bool:
        """Whether the words alone, at a glance of a millisecond, may speak of a danger: such a message is read first."""
        glance = self.library.glance
        try:
            text = folded(message.text)
            if glance and not text.startswith("/") and any(map(glance.hurries, (text, *stretches(text)))):
                return True
            return understand(message, Session(), self.without_model).urgency is not Urgency.NONE
        except Exception as error:  # noqa: BLE001 - it is read in its turn then
            count_failure(error)
            return False

    def marked(self, reply: ClearedReply, mark: str) -> ClearedReply:
        """The reply with a first line that says it is sent again, or late; as it was where that cannot be said."""
        text = self.library.words[reply.language].notes[mark]
        first = replace(reply, passages=(Passage(PassageKind.MARK, text), *reply.passages))
        return clear(first, "", reply, Vouched(self.library.manifest, self.library.directory)).reply

    def again(self, understanding: Understanding, session: Session) -> ClearedReply:
        """The reply of an earlier turn, composed and cleared anew. It never raises."""
        try:
            return take_again(understanding, session, self.library)
        except Exception as error:  # noqa: BLE001 - help does not wait for a bug to be mended
            count_failure(error)
            return self.last_resort(understanding.profile)

    def page(self, topic: str, profile: Profile, at: datetime) -> ClearedReply | None:
        """One topic's answer for readers who did not ask for it by a message; None where it is not served."""
        message = Message(f"/answer {topic}", at)
        turn = self._turn((self.without_model,), message, Session(profile, country_asked=True))
        return turn.reply if turn and turn.reply.topic == topic else None

    def last_resort(self, profile: Profile) -> ClearedReply:
        """What goes out when all else fails, for a reader of whom this much is known."""
        reply = last_resort(profile, self.library)
        return clear(reply, "", reply, Vouched(self.library.manifest, self.library.directory)).reply

    def _first_of(self, libraries: tuple[Library, ...], message: Message, session: Session, channel: str) -> Answer:
        turn = self._turn(libraries, message, session)
        if turn is None:
            reply = self.last_resort(session.profile.told(message.told))
            return Answer(reply, replace(session, leaving=False, draft=None), None)
        count_turn(turn.understanding, turn.reply.abstained, turn.faults, channel)
        return Answer(turn.reply, turn.session, turn.understanding, turn.left)

    def _turn(self, libraries: tuple[Library, ...], message: Message, session: Session) -> Turn | None:
        """The turn with the first library that serves; None where none does."""
        for library in libraries:
            begun = perf_counter()
            try:
                turn = take_turn(message, session, library)
            except Exception as error:  # noqa: BLE001 - help does not wait for a bug to be mended
                count_failure(error)
            else:
                TURN_SECONDS.observe(perf_counter() - begun)
                return turn
        return None
