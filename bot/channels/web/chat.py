"""Pages for people: the chat, the emergency card, answers to read. They work without scripts and keep nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.web.interface import Desk
from bot.channels.web.preferences import language_of, wants_page
from bot.channels.web.problems import CARD, problem
from bot.channels.web.rendering import ASSETS, READABLE, Rendering
from bot.channels.web.shell import EMBED
from bot.channels.web.talk import opened, sealed
from bot.markup import plain
from bot.telemetry import RECEIVED
from bot.vocabulary import Audience, ClearedReply, Message, PassageKind, Profile, Session

CHANNEL = "web"
FIELDS = 12
CARDS_KEPT = 64
REPLIES_KEPT = 512
STEPS = (
    "step-not-breathing",
    "step-breathing",
    "step-naloxone",
    "step-no-naloxone",
    "step-alone",
    "step-called",
    "step-woke-up",
)
"""The guided steps that the card keeps, in the order in which they are needed."""
ROBOTS = "User-agent: *\nDisallow: /api/\nDisallow: /embed\n"
OPEN = ("emergency", "answers")
"""Pages beside the answers to read that search engines may show. The chat is not among them: it is nobody's business."""
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{}</urlset>
"""

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Asked:
    """What the form of the chat brought."""

    text: str
    session: Session
    shown: str
    is_setting: bool


class Pages:
    """The endpoints of all pages."""

    def __init__(self, desk: Desk, rendering: Rendering, is_embedded: bool) -> None:
        self.desk = desk
        self.rendering = rendering
        self.is_embedded = is_embedded
        self._cards: dict[tuple[str, str | None], str] = {}
        self.read = lru_cache(REPLIES_KEPT)(self._read)

    def _read(self, topic: str, profile: Profile) -> ClearedReply | None:
        """One topic's answer to read; None where it is not served."""
        return self.desk.assistant.page(topic, profile, datetime.now(UTC))

    def routes(self) -> list[BaseRoute]:
        """All pages; the chat inside other sites only where the operator lists some."""
        framed: list[BaseRoute] = [Route(EMBED, self.chat, methods=["GET", "POST"])] if self.is_embedded else []
        return [
            Route("/", self.chat, methods=["GET", "POST"]),
            *framed,
            Route("/emergency", self.emergency),
            Route("/answers", self.answers),
            Route("/answers/{language}/{topic}", self.answer),
            Route("/answers/{topic}", self.answer),
            Route("/privacy", self.answer),
            Route("/about", self.answer),
            Route("/assets/{name}", self.asset),
            Route("/worker.js", self.worker),
            Route("/favicon.ico", self.favicon),
            Route("/robots.txt", self.robots),
            Route("/sitemap.xml", self.sitemap),
        ]

    def language(self, request: Request) -> str:
        """The language of a page; 503 where no words of any were vetted."""
        if not self.rendering.languages:
            raise HTTPException(503)
        return language_of(request, self.rendering.languages)

    async def chat(self, request: Request) -> Response:
        """The chat: its first page, or the answer to what was sent."""
        language = self.language(request)
        if request.method != "POST":
            country = self._country(request.query_params.get("country", ""))
            return self._begin(request, Session(Profile(language, country)))
        form = await request.form(max_files=0, max_fields=FIELDS, max_part_size=self.desk.limits.body)
        asked = self._asked(form, language)
        if asked.is_setting and asked.session.topic is None:
            return self._begin(request, asked.session)
        message = Message(asked.text, datetime.now(UTC))
        if wait := self.desk.over_limit(request):
            return await self._over_limit(request, asked, message, wait)
        answer = await self.desk.answering.answer(message, asked.session, CHANNEL)
        RECEIVED.labels(CHANNEL, "answered").inc()
        # What was told of a reader stays in the bar above, where it can be seen and changed, unless all is forgotten.
        session = answer.session or Session(Profile(answer.reply.language))
        return self._answered(request, asked, session, answer.reply)

    def _asked(self, form: FormData, language: str) -> Asked:
        """The form, read; what makes no sense is left out."""

        def field(name: str) -> str:
            value = form.get(name, "")
            return value if isinstance(value, str) else ""

        session = opened(field("state"), self.desk.sealing, datetime.now(UTC), self.desk.assistant.library.topics)
        chosen = field("language") if field("language") in self.rendering.languages else language
        audience = Audience(field("audience")) if field("audience") in set(Audience) else None
        # The bar shows all that is known of the reader, so what it says is what holds; a guess that was changed is none.
        country = self._country(field("country"))
        guessed = session.country_guessed and country == session.profile.country
        session = replace(session, profile=Profile(chosen, country, audience), country_guessed=guessed)
        shown = field("shown") if field("shown") in self.rendering.languages else language
        if "apply" in form:
            return Asked(f"/answer {session.topic}", session, shown, True)
        return Asked(field("send") or field("text"), session, shown, False)

    def _country(self, code: str) -> str | None:
        return code.upper() if code.upper() in self.desk.assistant.library.directory.countries else None

    async def _over_limit(self, request: Request, asked: Asked, message: Message, wait: int) -> Response:
        """A danger is answered all the same; for all else the card, and when to come again."""
        hurried = await self.desk.answering.hurried(message, asked.session, CHANNEL)
        RECEIVED.labels(CHANNEL, "hurried" if hurried else "refused").inc()
        if hurried:
            return self._answered(request, asked, hurried.session or Session(), hurried.reply)
        profile = asked.session.profile
        card = self.read(CARD, profile) or self.desk.assistant.last_resort(profile)
        response = self._answered(request, asked, asked.session, card, notice="busy")
        response.status_code = 429
        response.headers["retry-after"] = str(wait)
        return response

    def _begin(self, request: Request, session: Session) -> Response:
        """The first page of a talk."""
        language = session.profile.language or self.rendering.languages[0]
        assistant = self.desk.assistant
        welcome = self.read("welcome", session.profile)
        return self._talk(
            request,
            language,
            session,
            welcome=welcome or assistant.last_resort(session.profile),
            reply=None,
            notice=None,
        )

    def _answered(
        self, request: Request, asked: Asked, session: Session, reply: ClearedReply, notice: str | None = None
    ) -> Response:
        """The page with a reply; the reply and little else, where the page is there already in its language."""
        language = reply.language if reply.language in self.rendering.languages else asked.shown
        only = request.headers.get("x-part") == "reply" and language == asked.shown and not asked.is_setting
        return self._talk(request, language, session, welcome=None, reply=reply, notice=notice, only=only)

    def _talk(
        self,
        request: Request,
        language: str,
        session: Session,
        *,
        welcome: ClearedReply | None,
        reply: ClearedReply | None,
        notice: str | None,
        only: bool = False,
    ) -> Response:
        now = datetime.now(UTC)
        page = self.rendering.page(
            "turn.html" if only else "chat.html",
            language,
            profile=session.profile,
            state=sealed(session, self.desk.sealing, now),
            welcome=welcome,
            reply=reply,
            notice=notice,
            card=None if only else self.read(CARD, replace(session.profile, language=language)),
            pointer=self.rendering.pointer(language, session.profile.country),
            embedded=request.url.path == EMBED,
            action=request.url.path,
            addresses=self._addresses(request.url.path, session.profile.country),
        )
        return HTMLResponse(page)

    async def emergency(self, request: Request) -> Response:
        """The emergency card, with the guided steps and every country's numbers."""
        language = self.language(request)
        return HTMLResponse(self._card(language, self._country(request.query_params.get("country", ""))))

    def _card(self, language: str, country: str | None) -> str:
        """The card's page; those asked for of late are kept, since they are asked for when there is least time."""
        if (language, country) not in self._cards:
            while len(self._cards) >= CARDS_KEPT:
                self._cards.pop(next(iter(self._cards)))
            self._cards[language, country] = self._made_card(language, country)
        return self._cards[language, country]

    def _made_card(self, language: str, country: str | None) -> str:
        profile = Profile(language, country)
        assistant = self.desk.assistant
        return self.rendering.page(
            "emergency.html",
            language,
            profile=profile,
            reply=self.read(CARD, profile) or assistant.last_resort(profile),
            steps=self._steps_of(language),
            pointer=self.rendering.pointer(language, country),
            address="/emergency",
            # The card of each country is in each page, so that search engines need but one.
            addresses=self._addresses("/emergency"),
        )

    def _steps_of(self, language: str) -> list[tuple[str, str, ClearedReply]]:
        """The guided steps by topic and title; their texts are the same in every country."""
        title = self.desk.assistant.library.title
        steps = [(topic, self.read(topic, Profile(language))) for topic in STEPS]
        return [(topic, title(language, topic), reply) for topic, reply in steps if reply]

    def _addresses(self, path: str, country: str | None = None) -> dict[str, str]:
        """Where a page is in each language."""
        more = f"&country={country}" if country else ""
        return {code: f"{path}?language={code}{more}" for code in self.rendering.languages}

    async def answers(self, request: Request) -> Response:
        """All answers of a language, as links."""
        language = self.language(request)
        page = self.rendering.page(
            "answers.html",
            language,
            topics=self.rendering.furniture[language].topics,
            pointer=self.rendering.pointer(language, None),
            address="/answers",
            addresses=self._addresses("/answers"),
        )
        return HTMLResponse(page)

    async def answer(self, request: Request) -> Response:
        """One answer with its sources, in the language of its address."""
        language = self.language(request)
        path = request.url.path.strip("/")
        topic = READABLE.get(path) or request.path_params.get("topic", "")
        if "language" in request.path_params:
            language = request.path_params["language"]
        audience = request.query_params.get("audience", "")
        country = self._country(request.query_params.get("country", ""))
        profile = Profile(language, country, Audience(audience) if audience in set(Audience) else None)
        known = language in self.rendering.languages and topic in self.desk.assistant.library.topics
        reply = self.read(topic, profile) if known else None
        if reply is None:
            raise HTTPException(404)
        is_readable = path in READABLE
        page = self.rendering.page(
            "answer.html",
            language,
            profile=profile,
            topic=topic,
            title=self.desk.assistant.library.title(language, topic),
            first=first_sentence(reply),
            address=f"/{path}" if is_readable else f"/answers/{topic}",
            addresses=self._addresses_of(topic, path),
            reply=reply,
            related=[item for item in self.rendering.titles(language, reply) if self._is_public(item[0])],
            is_privacy=path == "privacy",
        )
        return HTMLResponse(page)

    def _addresses_of(self, topic: str, path: str) -> dict[str, str]:
        """Where an answer is, in each language that has it."""
        readable = self._addresses(f"/{path}") if path in READABLE else {}
        has = self.desk.assistant.library.response
        codes = [code for code in self.rendering.languages if has(code, topic)]
        return {code: readable.get(code, f"/answers/{code}/{topic}") for code in codes}

    def _is_public(self, topic: str) -> bool:
        return any(topic == known for known, _ in self.rendering.furniture[self.rendering.languages[0]].topics)

    async def asset(self, request: Request) -> Response:
        """A file that pages load."""
        name = request.path_params["name"]
        if name not in ASSETS:
            raise HTTPException(404)
        headers = {"cache-control": "private, max-age=86400"}
        return Response(self.rendering.assets[name], headers=headers, media_type=ASSETS[name])

    async def worker(self, request: Request) -> Response:
        """The service worker that keeps the card."""
        return Response(self.rendering.worker, media_type="text/javascript; charset=utf-8")

    async def favicon(self, request: Request) -> Response:
        """Where browsers look for an icon by themselves."""
        return RedirectResponse("/assets/icon.svg", 308)

    async def robots(self, request: Request) -> Response:
        """What search engines may read."""
        root = self.rendering.public_url
        return PlainTextResponse(ROBOTS + (f"Sitemap: {root}/sitemap.xml\n" if root else ""))

    async def sitemap(self, request: Request) -> Response:
        """Where all answers are; only the operator knows under which address."""
        root = self.rendering.public_url
        if not root:
            raise HTTPException(404)
        paths = []
        for code, furniture in self.rendering.furniture.items():
            paths += [f"/{name}?language={code}" for name in (*OPEN, *furniture.readable)]
            paths += [f"/answers/{code}/{topic}" for topic, _ in furniture.topics]
        listed = "".join(f"<url><loc>{root}{path}</loc></url>\n" for path in paths)
        return Response(SITEMAP.format(listed), media_type="application/xml")

    async def fail(self, request: Request, status: int, errors: tuple[str, ...] = ()) -> Response:
        """An error: a page for a person, problem details for a program; both say whom to call."""
        if not (wants_page(request) and self.rendering.languages):
            return problem(self.desk.assistant, request, status, errors=errors)
        language = language_of(request, self.rendering.languages)
        word = "missing" if status in {404, 405} else "broken" if status >= 500 else "refused"
        page = self.rendering.page(
            "error.html",
            language,
            word=word,
            card=self.read(CARD, Profile(language)),
            pointer=self.rendering.pointer(language, None),
            embedded=request.url.path == EMBED,
            action=EMBED if request.url.path == EMBED else "/",
        )
        return HTMLResponse(page, status)


def first_sentence(reply: ClearedReply) -> str:
    """What a search engine shows of an answer: the first line of its body."""
    bodies = [plain(passage.text) for passage in reply.passages if passage.kind is PassageKind.BODY]
    return bodies[0].splitlines()[0] if bodies else ""
