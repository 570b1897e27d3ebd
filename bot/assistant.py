"""respond(talk, message): recall, take the turn, remember, count. A reply always comes."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from time import perf_counter

from bot.conversation.guard import Vouched, clear
from bot.conversation.library import Library
from bot.conversation.reply import last_resort
from bot.conversation.turn import take_again, take_turn
from bot.telemetry import TURN_SECONDS, count_failure, count_turn
from bot.vocabulary import ClearedReply, Message, Profile, Session, Turn, Understanding


@dataclass(frozen=True)
class Answer:
    """
    What goes out, the session after it (None: forget it), and what was understood.

    `understanding` is None where understanding failed and the last resort goes out.
    """

    reply: ClearedReply
    session: Session | None
    understanding: Understanding | None


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

    def again(self, understanding: Understanding, session: Session) -> ClearedReply:
        """The reply of an earlier turn, composed and cleared anew. It never raises."""
        try:
            return take_again(understanding, session, self.library)
        except Exception as error:  # noqa: BLE001 - help does not wait for a bug to be mended
            count_failure(error)
            return self.last_resort(understanding.profile)

    def last_resort(self, profile: Profile) -> ClearedReply:
        """What goes out when all else fails, for a reader of whom this much is known."""
        reply = last_resort(profile, self.library)
        return clear(reply, "", reply, Vouched(self.library.manifest, self.library.directory)).reply

    def _first_of(self, libraries: tuple[Library, ...], message: Message, session: Session, channel: str) -> Answer:
        turn = self._turn(libraries, message, session)
        if turn is None:
            return Answer(self.last_resort(session.profile.told(message.told)), session, None)
        count_turn(turn.understanding, turn.reply.abstained, turn.faults, channel)
        return Answer(turn.reply, turn.session, turn.understanding)

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
