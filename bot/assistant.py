"""respond(sender, message): recall, take the turn, remember, count. A reply always comes."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace

from bot.conversation.guard import Vouched, clear
from bot.conversation.library import Library
from bot.conversation.reply import last_resort
from bot.conversation.turn import take_turn
from bot.telemetry import count_failure, count_turn
from bot.vocabulary import ClearedReply, Message, Profile, Session, Turn, Understanding


@dataclass(frozen=True)
class Answer:
    """What goes out, and what was understood; None where understanding failed and the last resort goes out."""

    reply: ClearedReply
    understanding: Understanding | None


class Assistant:
    """
    Answers messages, and remembers each talk's session for as long as the process lives.

    `sessions` is where they are kept, by whatever a channel tells talks apart by.
    """

    def __init__(self, library: Library, sessions: MutableMapping[str, Session]) -> None:
        self.library = library
        self.sessions = sessions

    def respond(self, talk: str, message: Message) -> Answer:
        """The answer to one message of a talk. It never raises: whatever fails, the last resort goes out."""
        session = self.sessions.get(talk, Session())
        turn = self.turn(message, session)
        if turn is None:
            return Answer(self.last_resort(session.profile.told(message.told)), None)
        if turn.session is None:
            self.sessions.pop(talk, None)
        else:
            self.sessions[talk] = turn.session
        count_turn(turn.understanding, turn.faults)
        return Answer(turn.reply, turn.understanding)

    def turn(self, message: Message, session: Session) -> Turn | None:
        """The turn; without the model where that fails, by signals and tables alone; None where both fail."""
        for library in (self.library, replace(self.library, encoder=None, heads=None)):
            try:
                return take_turn(message, session, library)
            except Exception as error:  # noqa: BLE001 - help does not wait for a bug to be mended
                count_failure(error)
        return None

    def last_resort(self, profile: Profile) -> ClearedReply:
        """What goes out when all else fails, for a reader of whom this much is known."""
        reply = last_resort(profile, self.library)
        return clear(reply, "", reply, Vouched(self.library.manifest, self.library.directory)).reply
