"""How the bot shows itself in Telegram: name, description and commands in every language."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from telegram import Bot, BotCommand
from telegram.error import RetryAfter, TelegramError

from bot.channels.telegram.sending import outcome_of
from bot.telemetry import count_failure

LONGEST_WAIT = 600.0
"""Seconds; where Telegram asks for more (it does for names), the next start tries again."""


async def introduce(bot: Bot, words: Mapping[str, Mapping[str, Any]], fallback: str) -> None:
    """
    Set what differs from what is set: these calls are limited to a few a day.

    Args:
        words: by language, what telegram.yaml says.
        fallback: the language for everybody whose own is not among them.
    """
    for code, said in words.items():
        for language in {code, ""} if code == fallback else {code}:
            await _attempt(lambda said=said, language=language: _set(bot, said, language))


async def _set(bot: Bot, said: Mapping[str, Any], language: str) -> None:
    commands = [BotCommand(name, text) for name, text in said["commands"].items()]
    if list(await bot.get_my_commands(language_code=language)) != commands:
        await bot.set_my_commands(commands, language_code=language)
    if (await bot.get_my_short_description(language)).short_description != said["short_description"]:
        await bot.set_my_short_description(said["short_description"], language)
    if (await bot.get_my_description(language)).description != said["description"]:
        await bot.set_my_description(said["description"], language)
    if (await bot.get_my_name(language)).name != said["name"]:
        await bot.set_my_name(said["name"], language)


async def _attempt(call: Any) -> None:
    for _ in range(5):
        try:
            return await call()  # type: ignore[no-any-return]
        except RetryAfter as error:
            seconds = outcome_of(error).seconds
            if seconds > LONGEST_WAIT:
                return None
            await asyncio.sleep(seconds)
        except TelegramError as error:
            count_failure(error, "introduction")
            await asyncio.sleep(5)
    return None
