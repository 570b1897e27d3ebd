"""What chats, people and updates are called in the store: names that only the secret key can make."""

from __future__ import annotations

from collections.abc import Sequence

from bot.channels.telegram.updates import Heard
from bot.store.sealing import Sealing

CHANNEL = "telegram"


class Pseudonyms:
    """The names that one bot gives."""

    def __init__(self, sealing: Sealing, bot: int) -> None:
        """
        Nobody has a name yet.

        Args:
            bot: the bot's own id, so that two bots of one operator share no name.
        """
        self._sealing = sealing
        self._bot = str(bot)

    def of_chat(self, chat: int) -> str:
        """A chat."""
        return self._sealing.pseudonym(CHANNEL, self._bot, str(chat))

    def of_person(self, heard: Heard) -> str:
        """Whose session it is: in a group each person has one of their own."""
        if heard.is_group:
            return self._sealing.pseudonym(CHANNEL, self._bot, str(heard.chat), str(heard.person))
        return self.of_chat(heard.chat)

    def of_mark(self, mark: Sequence[str]) -> str:
        """What tells an update when it comes again."""
        return self._sealing.pseudonym("mark", self._bot, *mark)

    def of_answered(self, identity: str) -> str:
        """What tells the other processes that an update was answered from memory."""
        return self._sealing.pseudonym("answered", identity)
