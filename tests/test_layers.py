"""The table of who may import whom, and that there is one path to each name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

BOT = Path(__file__).parent.parent / "bot"
MAY_IMPORT: dict[str, set[str]] = {
    "vocabulary": set(),
    "settings": set(),
    "telemetry": {"vocabulary"},
    "wire": {"vocabulary"},
    "markup": {"vocabulary"},
    "conversation": {"vocabulary"},
    "store": {"vocabulary"},
    "content": {"vocabulary", "conversation"},
    "assistant": {"vocabulary", "telemetry", "conversation", "store"},
    "channels": {"vocabulary", "telemetry", "wire", "markup", "store", "assistant"},
    "desk": {"vocabulary", "wire", "markup", "conversation", "content"},
    "serve": {"vocabulary", "settings", "telemetry", "store", "assistant", "channels"},
    "doctor": {"vocabulary", "settings", "content", "conversation", "store", "channels"},
    "starting": {"vocabulary", "settings", "content", "assistant"},
    "operator": {"settings", "store", "serve", "doctor", "starting"},
    "cli": {
        "vocabulary",
        "settings",
        "telemetry",
        "content",
        "store",
        "assistant",
        "channels",
        "desk",
        "starting",
        "operator",
    },
    "__main__": {"cli"},
}
FILES = sorted(BOT.rglob("*.py"))
PURE = {"__future__", "re", "unicodedata", "collections", "dataclasses", "datetime", "enum", "functools", "hashlib", "heapq",
        "itertools", "math", "operator", "typing", "zlib", "numpy", "bot"}  # fmt: skip
"""All that the conversation may use: no files, no network, no clock, no dice."""


def imports(path: Path) -> list[str]:
    """Every module that a file imports, by its whole name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports by a relative path"
            found.append(node.module or "")
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(BOT).as_posix())
def test_imports_run_down_the_layers(path: Path) -> None:
    part = path.relative_to(BOT).with_suffix("").parts[0]
    if part == "__init__":
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("bot.")}
    assert used - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("path", sorted((BOT / "conversation").glob("*.py")), ids=lambda path: path.name)
def test_the_conversation_is_pure(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} <= PURE
    calls = {node.func.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not calls & {"open", "print", "input", "exec", "eval"}


def test_the_guard_shares_no_rule_with_the_steps_before_it() -> None:
    assert {name for name in imports(BOT / "conversation" / "guard.py") if name.startswith("bot.")} <= {
        "bot.vocabulary",
        "bot.conversation.directory",
        "bot.conversation.language",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(BOT).as_posix())
def test_only_the_guard_makes_a_cleared_reply(path: Path) -> None:
    made = [node.lineno for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and "ClearedReply" in ast.unparse(node.func)]  # fmt: skip
    casts = [node.lineno for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast" and "ClearedReply" in ast.unparse(node)]  # fmt: skip
    assert not casts
    assert bool(made) is (path == BOT / "conversation" / "guard.py")


def test_package_files_are_empty_so_that_there_is_one_path_to_each_name() -> None:
    assert [path for path in BOT.rglob("__init__.py") if path.read_text(encoding="utf-8").strip()] == []
