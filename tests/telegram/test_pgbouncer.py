"""Behind PgBouncer in transaction mode, where no connection is the same from one transaction to the next."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.channels.telegram.receiving import PATH
from tests.postgres import new_database
from tests.telegram.bot_api import BotApi
from tests.telegram.conftest import IDS
from tests.telegram.expected import GRAVE, TOPICS
from tests.telegram.running import RunningBot, free_port

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The address of a database behind a pool of two connections."""
    assert PGBOUNCER
    parts = urlsplit(url)
    port, user, name = free_port(), parts.username or "postgres", parts.path.strip("/")
    sockets = Path(parse_qs(parts.query)["host"][0])
    (folder / "users.txt").write_text(f'"{user}" ""\n')
    (folder / "pgbouncer.ini").write_text(f"""
[databases]
{name} = host={sockets} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 2
ignore_startup_parameters = extra_float_digits
""")
    for path in (folder, *folder.parents):
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)  # it gives up root's rights
    # It refuses to be root; the sockets may be reached by the server's own user.
    as_server = ["-u", (sockets / ".s.PGSQL.5432").owner()] if os.getuid() == 0 else []
    pool = subprocess.Popen([PGBOUNCER, *as_server, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL)
    try:
        yield f"postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=disable&gssencmode=disable"
    finally:
        pool.terminate()
        pool.wait(10)


@pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed")
def test_two_processes_behind_a_pool_answer_each_chat_once_and_in_order(tmp_path: Path) -> None:
    with BotApi() as api, new_database() as direct, pooled(direct, tmp_path) as url, ExitStack() as both:
        shared = {"telegram_mode": "webhook", "database_url": url, "secret_key": secrets.token_urlsafe(32)}
        bots = [both.enter_context(RunningBot(api, tmp_path / str(n), **shared)) for n in range(2)]
        api.route_webhook(*(bot.root + PATH for bot in bots))
        people = [api.person(next(IDS)) for _ in range(15)]
        for topic in TOPICS[:2]:
            for person in people:
                person.say(f"/answer {topic}")
        for person in people[:3]:
            person.say(GRAVE)
        api.wait_for(lambda: sum(len(api.sent(person.chat_id)) for person in people) == 33)
        api.wait_for_quiet(1.0)
        assert len({tuple(sent.text for sent in api.sent(person.chat_id)) for person in people[3:]}) == 1
        assert all(len(api.sent(person.chat_id)) == 2 for person in people[3:])
        assert not any(bot.events("store away") for bot in bots)
