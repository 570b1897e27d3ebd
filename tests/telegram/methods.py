"""The methods of the Bot API that a bot calls, as one table."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from tests.telegram.texts import TEXT_LIMIT, Json, Refusal, bad, cleaned, json_of, keyboard, shown, units
from tests.telegram.world import QUERY_SECONDS, Chat, Sent, World, without_reply

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip


def send_message(world: World, params: Json) -> Json:
    """One message more."""
    chat_id, chat = asked_chat(world, params)
    text, entities = shown(params.get("text"), params.get("parse_mode"))
    if units(text) > TEXT_LIMIT:
        raise bad("message is too long")
    markup = keyboard(params.get("reply_markup"))
    reply_to = replied(chat, params)
    message: Json = {"from": world.bot, "text": text}
    if entities:
        message["entities"] = entities
    if reply_to is not None:
        message["reply_to_message"] = without_reply(chat.messages[reply_to])
    if markup and "inline_keyboard" in markup:
        message["reply_markup"] = markup
    message = world.keep(chat_id, message)
    note(world, "sendMessage", chat_id, message, markup, params, reply_to)
    return message


def edit_message_text(world: World, params: Json) -> Json:
    """Another text in the place of the old one."""
    chat_id, old = own_message(world, params, "edit")
    text, entities = shown(params.get("text"), params.get("parse_mode"))
    if units(text) > TEXT_LIMIT:
        raise bad("MESSAGE_TOO_LONG")
    return edited(world, chat_id, old, {"text": text, "entities": entities}, params, "editMessageText")


def edit_message_reply_markup(world: World, params: Json) -> Json:
    """Other buttons under the same text."""
    chat_id, old = own_message(world, params, "edit")
    return edited(
        world,
        chat_id,
        old,
        {"text": old["text"], "entities": old.get("entities", [])},
        params,
        "editMessageReplyMarkup",
    )


def edited(world: World, chat_id: int, old: Json, content: Json, params: Json, method: str) -> Json:
    """Put new content and buttons in a message, unless they are the old ones."""
    markup = keyboard(params.get("reply_markup"))
    before = old["text"], old.get("entities", []), old.get("reply_markup")
    if before == (content["text"], content["entities"], markup):
        raise bad(NOT_MODIFIED)
    message = {key: value for key, value in old.items() if key not in ("text", "entities", "reply_markup")}
    message |= {"text": content["text"], "edit_date": int(time.time())}
    if content["entities"]:
        message["entities"] = content["entities"]
    if markup:
        message["reply_markup"] = markup
    world.chats[chat_id].messages[old["message_id"]] = message
    note(world, method, chat_id, message, markup, params, None)
    return message


def note(
    world: World, method: str, chat_id: int, message: Json, markup: Json | None, params: Json, reply_to: int | None
) -> None:
    """Record a message as executed."""
    rows = (markup or {}).get("inline_keyboard", [])
    mode = params.get("parse_mode")
    world.record(
        Sent(
            order=0,
            method=method,
            chat=chat_id,
            message_id=message["message_id"],
            text=message["text"],
            raw=str(params.get("text", "")),
            parse_mode=str(mode) if mode else None,
            entities=tuple(message.get("entities", ())),
            keyboard=tuple(tuple(row) for row in rows),
            markup=markup,
            reply_to=reply_to,
            params=params,
            at=0.0,
        )
    )


def delete_message(world: World, params: Json) -> bool:
    """One message less."""
    chat_id, chat = asked_chat(world, params)
    number = whole_number(params, "message_id")
    if chat.messages.pop(number, None) is None:
        raise bad("message to delete not found")
    world.deleted.append((chat_id, number))
    return True


def delete_messages(world: World, params: Json) -> bool:
    """Several less; those that are not there are passed over."""
    chat_id, chat = asked_chat(world, params)
    numbers = list_of(params.get("message_ids"))
    if not numbers or len(numbers) > 100:
        raise bad("too many message identifiers specified" if numbers else "message identifiers are not specified")
    for number in numbers:
        if chat.messages.pop(int(number), None) is not None:
            world.deleted.append((chat_id, int(number)))
    return True


def answer_callback_query(world: World, params: Json) -> bool:
    """The end of a button's waiting, and perhaps a toast."""
    asked = world.queries.get(str(params.get("callback_query_id")))
    if asked is None or time.monotonic() - asked > QUERY_SECONDS:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if units(str(params.get("text", ""))) > 200:
        raise bad("MESSAGE_TOO_LONG")
    return True


def send_chat_action(world: World, params: Json) -> bool:
    """ "typing …" """
    asked_chat(world, params)
    if params.get("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    return True


def set_my_commands(world: World, params: Json) -> bool:
    """The menu of commands."""
    commands = list_of(params.get("commands"))
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= units(cleaned(str(command.get("description", ""))).strip()) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    scope = json.dumps(json_of(params.get("scope"), "BotCommandScope") or {}, sort_keys=True)
    world.about_bot["commands" + ("" if scope == "{}" else scope), language(params)] = commands
    return True


def set_words(name: str, limit: int, refusal: str) -> Callable[[World, Json], bool]:
    """The method that sets one of the texts about the bot."""

    def method(world: World, params: Json) -> bool:
        words = str(params.get(name, ""))
        if units(words) > limit:
            raise bad(refusal)
        world.about_bot[name, language(params)] = words
        return True

    return method


def get_words(name: str, missing: object) -> Callable[[World, Json], Any]:
    """The method that tells what was set."""

    def method(world: World, params: Json) -> Any:
        value = world.about_bot.get((name, language(params)), missing)
        return value if name == "commands" else {name: value}

    return method


def get_me(world: World, params: Json) -> Json:
    """Who the bot is."""
    return {
        **world.bot,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def set_webhook(world: World, params: Json) -> bool:
    """Post updates from now on."""
    url, secret = str(params.get("url", "")), str(params.get("secret_token", ""))
    if not url:
        return delete_webhook(world, params)
    if not re.match(r"https://|http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])[:/]", url):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad("secret token contains illegal characters")
    connections = int(params.get("max_connections") or 40)
    world.webhook.url, world.webhook.secret = url, secret
    world.webhook.max_connections = min(max(connections, 1), 100)
    change_delivery(world, params)
    return True


def delete_webhook(world: World, params: Json) -> bool:
    """Wait to be asked for updates."""
    world.webhook.url = world.webhook.secret = ""
    change_delivery(world, params)
    return True


def change_delivery(world: World, params: Json) -> None:
    """What both ways to receive updates can be told."""
    world.pending.allow(wanted_kinds(params))
    if truth(params.get("drop_pending_updates")):
        world.pending.drop()


def get_webhook_info(world: World, params: Json) -> Json:
    """How the posting goes."""
    webhook = world.webhook
    info: Json = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.pending.waiting),
    }
    if webhook.url:
        info["max_connections"] = webhook.max_connections
        info["ip_address"] = "127.0.0.1"
    if webhook.last_error_date:
        info["last_error_date"] = webhook.last_error_date
        info["last_error_message"] = webhook.last_error_message
    if world.pending.allowed:
        info["allowed_updates"] = sorted(world.pending.allowed)
    return info


METHODS: dict[str, Callable[[World, Json], Any]] = {
    "getMe": get_me,
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
    "sendChatAction": send_chat_action,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_words("commands", []),
    "setMyName": set_words("name", 64, "BOT_TITLE_INVALID"),
    "getMyName": get_words("name", ""),
    "setMyDescription": set_words("description", 512, "BOT_DESCRIPTION_INVALID"),
    "getMyDescription": get_words("description", ""),
    "setMyShortDescription": set_words("short_description", 120, "BOT_SHORT_DESCRIPTION_INVALID"),
    "getMyShortDescription": get_words("short_description", ""),
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
}
"""All but getUpdates, which waits. Names are compared without regard to case."""

BY_NAME = {name.lower(): (name, method) for name, method in METHODS.items()}
SENDS = frozenset({"sendMessage", "editMessageText", "editMessageReplyMarkup"})
"""What the limits count."""


def asked_chat(world: World, params: Json) -> tuple[int, Chat]:
    """The chat of a request, if it may be written to."""
    value = params.get("chat_id")
    if value in (None, ""):
        raise bad("chat_id is empty")
    try:
        number = int(str(value))
    except ValueError:
        raise bad("chat not found") from None
    return number, world.chat(number)


def chat_of(params: Json) -> int | None:
    """The chat that a request names, whether it is there or not."""
    try:
        return int(str(params.get("chat_id")))
    except ValueError:
        return None


def own_message(world: World, params: Json, what: str) -> tuple[int, Json]:
    """A message of the bot's own that a request names."""
    chat_id, chat = asked_chat(world, params)
    message = chat.messages.get(whole_number(params, "message_id"))
    if message is None:
        raise bad(f"message to {what} not found")
    if message.get("from") != world.bot:
        raise bad(f"message can't be {what}ed")
    return chat_id, message


def replied(chat: Chat, params: Json) -> int | None:
    """The message that a new one answers."""
    reply = json_of(params.get("reply_parameters"), "ReplyParameters") or {}
    number = reply.get("message_id") or params.get("reply_to_message_id")
    if not number:
        return None
    if int(number) in chat.messages:
        return int(number)
    if truth(reply.get("allow_sending_without_reply")) or truth(params.get("allow_sending_without_reply")):
        return None
    raise bad("message to be replied not found")


def whole_number(params: Json, name: str) -> int:
    """A number that must be given."""
    try:
        return int(str(params.get(name) or 0))
    except ValueError:
        raise bad(f"invalid {name} specified") from None


def list_of(value: object) -> list[Any]:
    """A list that came as a list or as its JSON text."""
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise bad("can't parse JSON encoded array") from None
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise bad("expected an Array")
    return value


def wanted_kinds(params: Json) -> list[str] | None:
    """`allowed_updates`; None where it was not given."""
    value = params.get("allowed_updates")
    return None if value in (None, "") else [str(kind) for kind in list_of(value)]


def truth(value: object) -> bool:
    """A flag as JSON or as a form has it."""
    return str(value).lower() in ("true", "1", "yes", "t")


def language(params: Json) -> str:
    """The language for which a text about the bot holds; empty for all others."""
    code = str(params.get("language_code") or "")
    if code and not re.fullmatch(r"[a-z]{2}", code):
        raise Refusal(400, "Bad Request: invalid language code specified")
    return code
