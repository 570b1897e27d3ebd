"""The commands. Wires everything, once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from time import perf_counter_ns
from typing import cast

from pydantic import ValidationError

from bot.assistant import Assistant
from bot.channels.terminal import answer_lines, ask, chat
from bot.content.encoder import load_encoder
from bot.content.formats import Role, UnusableFileError
from bot.content.ledger import ROLES
from bot.content.loader import ContentError, find_responses, load, read_topics
from bot.content.questions import read_questions
from bot.content.rules import check
from bot.desk.evaluation.comparison import compare, read_run, run_of
from bot.desk.evaluation.judging import Answered, Ask, judge_all
from bot.desk.evaluation.labelled import EvaluationError, LabelledQuestion, read_labelled
from bot.desk.evaluation.page import as_html
from bot.desk.evaluation.report import Evaluation, as_json, as_text, miss_line, misses
from bot.desk.evaluation.robustness import losses
from bot.desk.page import UnknownCountryError, make_pages, write_pages
from bot.desk.review import sign_files, waiting
from bot.settings import SECRETS, Settings
from bot.starting import BREACH, Started, fail, start
from bot.store.errors import SecretKeyError, StoreError
from bot.telemetry import start_logging
from bot.vocabulary import Audience, Message, Profile, ReviewKind, Session

Run = Callable[[argparse.Namespace, Settings], int]
"""What does a command; returns the exit status."""

HIGHEST_PORT = 65535
HIGHEST = 2**63 - 1
"""The highest number that is taken: that of a row of the database."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(arguments or ["chat"])
    settings = read_settings()
    start_logging(settings.log_level)
    try:
        return cast(int, options.run(options, settings))
    except ContentError as error:
        fail(f"responses/ cannot be used:\n{error}")
    except (EvaluationError, UnusableFileError, SecretKeyError) as error:
        fail(str(error))
    except StoreError as error:
        fail(f"the database cannot be used: {error}")
    except (BrokenPipeError, KeyboardInterrupt):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - nothing may be written at exit to a closed pipe
        return 0


def read_settings() -> Settings:
    """The settings; what is wrong with them ends the program with one clear line."""
    try:
        return Settings()
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = f"{str(fault['loc'][0]).upper()}: " if fault["loc"] else ""
        fail(f"OVERDOSE_BOT_{name}{fault['msg'].removeprefix('Value error, ')}")
    except UnicodeDecodeError:
        fail(f".env, or a file in {SECRETS}, is not UTF-8")


def parser() -> argparse.ArgumentParser:
    """The commands of the contract."""
    top = argparse.ArgumentParser(prog="overdose-bot", description="Vetted answers about overdose and naltrexone.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    talk = commands.add_parser("chat", help="a chat in the terminal (also without any command)")
    talk.set_defaults(run=run_chat)
    once = commands.add_parser("ask", help="one message, or a stream of them with --jsonl")
    once.add_argument("text", nargs="?")
    once.add_argument("--json", action="store_true", help="print the reply object")
    once.add_argument("--jsonl", action="store_true", help="message objects in, reply objects out, a line each")
    once.set_defaults(run=run_ask)
    for command in (talk, once):
        command.add_argument("--language")
        command.add_argument("--country")
        command.add_argument("--audience", choices=[a.value for a in Audience])
    serve = commands.add_parser("serve", help="the web chat and interface, and Telegram where a token is set")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=number(0, HIGHEST_PORT), default=8080)
    serve.set_defaults(run=of_operator("run_serve"))
    commands.add_parser("doctor", help="looks at everything, and says what to mend").set_defaults(
        run=of_operator("run_doctor")
    )
    store = commands.add_parser("db", help="the database").add_subparsers(required=True, metavar="COMMAND")
    upgrade = store.add_parser("upgrade", help="bring the database to the newest migration, or to another")
    upgrade.add_argument("revision", nargs="?", default="head")
    upgrade.set_defaults(run=of_operator("run_upgrade"))
    left = commands.add_parser("questions", help="what people agreed to leave for the editors")
    left_commands = left.add_subparsers(required=True, metavar="COMMAND")
    left_commands.add_parser("list", help="all of it, the oldest first").set_defaults(
        run=of_operator("run_list_questions")
    )
    erase = left_commands.add_parser("delete", help="erase one")
    erase.add_argument("id", type=number(1, HIGHEST), metavar="ID")
    erase.set_defaults(run=of_operator("run_delete_question"))
    library = commands.add_parser("library", help="what editors and reviewers need")
    desk = library.add_subparsers(required=True, metavar="COMMAND")
    desk.add_parser("check", help="every rule on responses/").set_defaults(run=run_check)
    desk.add_parser("waiting", help="files that wait for a review, or are due for one").set_defaults(run=run_waiting)
    sign = desk.add_parser("sign", help="enter a review into the ledger")
    sign.add_argument("files", nargs="+", help='as "en/someone-down.md"')
    sign.add_argument("--role", required=True, choices=ROLES)
    sign.set_defaults(run=run_sign)
    page = desk.add_parser("page", help="all texts and the directory as HTML pages, for reading")
    page.add_argument("--out", type=Path, default=Path("library-pages"), metavar="FOLDER")
    page.add_argument("--country", help="whose pointer and help lines to show, for example KZ")
    page.set_defaults(run=run_page)
    card = desk.add_parser("card", help="the emergency card to print (A4, A6) and as a picture for a phone")
    card.add_argument("--out", type=Path, default=Path("emergency-card"), metavar="FOLDER")
    card.add_argument("--language", help="of one card; without it, a card in each language")
    card.add_argument("--country", help="whose number stands on it, for example KZ")
    card.set_defaults(run=run_card, audience=None)
    train = desk.add_parser("train", help="fit the heads on the questions")
    train.add_argument("--encoder", action="store_true", help="fine-tune the encoder first (long; extra `encoder`)")
    train.add_argument(
        "--further", action="store_true", help="train the encoder that is there further (extra `encoder`)"
    )
    train.add_argument(
        "--runs", type=number(1, HIGHEST), default=1, metavar="N", help="average the weights of so many runs"
    )
    train.set_defaults(run=run_train)
    evaluate = commands.add_parser("evaluate", help="figures over a file of labelled questions and conversations")
    evaluate.add_argument("file", type=Path)
    evaluate.add_argument("--json", action="store_true", help="all figures as JSON")
    evaluate.add_argument("--html", type=Path, metavar="OUT", help="all figures as a page, with plots")
    evaluate.add_argument("--misses", type=int, default=0, metavar="N", help="so many rows that went wrong")
    evaluate.add_argument("--save", type=Path, metavar="RUN", help="keep what was answered to each row, by its id")
    evaluate.add_argument("--against", type=Path, metavar="RUN", help="what changed since a run that was kept")
    evaluate.add_argument("--robustness", action="store_true", help="ask each row under typos, capitals ... too")
    evaluate.set_defaults(run=run_evaluate)
    return top


def number(least: int, most: int) -> Callable[[str], int]:
    """How an argument is read that is a whole number in plain digits, neither smaller nor greater than these."""

    def read(text: str) -> int:
        is_short = len(text) <= len(str(most))  # what is longer may be too long to be read at all
        if not (is_short and text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return read


def of_operator(name: str) -> Run:
    """A command of the operator's: the server and the database take a second to load, and no other command needs them."""
    return lambda options, settings: cast(int, getattr(import_module("bot.operator"), name)(options, settings))


def told_by(options: argparse.Namespace, started: Started) -> Profile:
    """What the options tell of the reader; an unknown language or country ends the program with one clear line."""
    library = started.loaded.library
    if options.language is not None and options.language not in library.words:
        fail(f"--language: one of {', '.join(library.languages)}")
    country = options.country.upper() if options.country is not None else None
    if country is not None and country not in library.directory.countries:
        fail("--country: an ISO 3166-1 alpha-2 code that the directory has, for example KZ")
    return Profile(options.language, country, Audience(options.audience) if options.audience else None)


def run_chat(options: argparse.Namespace, settings: Settings) -> int:
    """The chat."""
    started = start(settings)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a piped byte that is no text must not end the talk
    chat(started.assistant, told_by(options, started), sys.stdin, sys.stdout)
    return 0


def run_ask(options: argparse.Namespace, settings: Settings) -> int:
    """One message or a stream."""
    if options.jsonl == (options.text is not None):
        fail("ask: give either a TEXT or --jsonl")
    started = start(settings)
    told = told_by(options, started)
    if options.jsonl:
        for line in answer_lines(started.assistant, sys.stdin.buffer, told):
            print(line, flush=True)
        return 0
    text, as_object = ask(started.assistant, options.text, told)
    print(as_object if options.json else text)
    return 0


def run_check(options: argparse.Namespace, settings: Settings) -> int:
    """Every rule on responses/."""
    found = check(find_responses())
    for fault in found:
        print(fault)
    print(f"{len(found)} to mend" if found else "all rules kept", file=sys.stderr)
    return BREACH if found else 0


def run_waiting(options: argparse.Namespace, settings: Settings) -> int:
    """Files that wait for a review, and those whose review is due."""
    for entry in waiting(find_responses(), ReviewKind(settings.required_review), datetime.now(UTC).date()):
        print(entry)
    return 0


def run_sign(options: argparse.Namespace, settings: Settings) -> int:
    """A review, entered."""
    count = sign_files(find_responses(), options.files, cast(Role, options.role), datetime.now(UTC).date())
    print(f"{count} signed as {options.role}")
    return 0


def run_page(options: argparse.Namespace, settings: Settings) -> int:
    """The reading pages, written."""
    country = options.country.upper() if options.country is not None else None
    today = datetime.now(UTC).date()
    try:
        pages = make_pages(find_responses(), ReviewKind(settings.required_review), today, country)
        write_pages(pages, options.out)
    except UnknownCountryError:
        fail("--country: an ISO 3166-1 alpha-2 code that the directory has, for example KZ")
    except OSError as error:
        fail(f"--out: {error}")
    for name in pages:
        print(options.out / name)
    return 0


def run_card(options: argparse.Namespace, settings: Settings) -> int:
    """The emergency card, printable and as a picture."""
    started = start(settings)
    told = told_by(options, started)
    library = started.loaded.library
    cards = import_module("bot.desk.card")  # what draws takes a second to load, and no other command needs it
    for language in (told.language,) if told.language else library.languages:
        try:
            made = cards.make_card(library, language, told.country, options.out, settings.public_url)
        except cards.CardError as error:
            fail(str(error))
        except OSError as error:
            fail(f"--out: {error}")
        print(*made, sep="\n")
    return 0


def run_train(options: argparse.Namespace, settings: Settings) -> int:
    """Fit the heads; the encoder first, where asked."""
    try:
        training = import_module("bot.desk.training")
        encoder_training = import_module("bot.desk.encoder.training") if options.encoder else None
        further_training = import_module("bot.desk.encoder.further") if options.further else None
    except ModuleNotFoundError as error:
        extra = "encoder" if options.encoder or options.further else "train"
        fail(f"library train needs {error.name}: install overdose-awareness-bot[{extra}]")
    root = find_responses()
    by_group = read_topics(root)
    topics = {name: topic for members in by_group.values() for name, topic in members.items()}
    languages = tuple(sorted(path.parent.name for path in root.glob("*/language.yaml")))
    rows, faults = read_questions(root, languages, topics)
    if faults:
        raise UnusableFileError(faults)
    if encoder_training:
        encoder_training.make_encoder(rows, root / "model", settings.cache_folder, print, options.runs)
    if further_training:
        further_training.train_further(rows, root / "model", settings.cache_folder, print, options.runs)
    titles = {key: response.title for key, response in load(root).library.responses.items()}
    model = root / "model"
    card = training.fit_heads(rows, titles, load_encoder(model), model, settings.cache_folder, print)
    for name, value in card.figures.items():
        print(f"  {name:20} {value:7.1%}")
    print(
        f"{card.rows} questions; heads written. On our own questions, each judged by heads that saw none of its meaning."
    )
    return 0


def run_evaluate(options: argparse.Namespace, settings: Settings) -> int:
    """Figures, misses, a page; what changed since another run."""
    labelled = read_labelled(options.file)
    before = read_run(options.against) if options.against else None
    make_room("--html", options.html)
    make_room("--save", options.save)
    ask = asking(start(settings).assistant)
    outcome = judge_all(labelled, ask)
    evaluation = Evaluation(
        outcome,
        losses(labelled, outcome, ask) if options.robustness else (),
        compare(before, outcome.all) if before else None,
    )
    print(as_json(evaluation) if options.json else as_text(evaluation))
    for missed in misses(outcome.all)[: options.misses]:
        print(miss_line(missed), file=sys.stderr if options.json else sys.stdout)
    if options.html:
        options.html.write_text(as_html(evaluation), encoding="utf-8")
    if options.save:
        options.save.write_text(run_of(outcome.all).model_dump_json(indent=1) + "\n", encoding="utf-8")
    return 0


def asking(assistant: Assistant) -> Ask:
    """How a labelled message is asked: as one that came with its language, after a session."""

    def ask(asked: LabelledQuestion, session: Session) -> Answered:
        begun = perf_counter_ns()
        message = Message(asked.text, datetime.now(UTC), Profile(asked.language))
        given = assistant.answer(message, session, assistant.channel)
        return Answered(given.reply, given.session, given.understanding, (perf_counter_ns() - begun) // 1000)

    return ask


def make_room(option: str, path: Path | None) -> None:
    """A file that an option asks for, made before the long work; where it cannot be, one clear line ends the program."""
    try:
        if path:
            path.touch()
    except OSError as error:
        fail(f"{option}: {error}")
