"""A site's answer about its runs, checked: names and sizes from a cluster are not to be trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bocr_tui.sites.transport.base import FileNews, RunAsk, RunNews
from bocr_tui.sites.transport.ssh.words import plain_words

MAX_EXIT_BYTES = 1 << 20

_JOURNAL = re.compile(r"(journal|results)-[A-Za-z0-9][A-Za-z0-9_.-]{0,100}\.jsonl")


class Nonsense(Exception):
    """The answer is not about what was asked. `str()` says in what."""


def read_news(answer: Any, asks: Sequence[RunAsk]) -> list[RunNews]:
    """In the order of the questions. Raises Nonsense."""
    if not isinstance(answer, list) or len(answer) != len(asks):
        raise Nonsense("it is not about as many runs")
    try:
        return [_read_run(entry, ask) for entry, ask in zip(answer, asks, strict=True)]
    except (KeyError, TypeError, AttributeError) as error:
        raise Nonsense(f"{type(error).__name__} {error}") from None


def _read_run(entry: Any, ask: RunAsk) -> RunNews:
    if entry["token"] != ask.token or not isinstance(entry["exists"], bool):
        raise Nonsense("it is about another run")
    ended = entry["exit"]
    if ended is not None and (not isinstance(ended, bytes) or len(ended) > MAX_EXIT_BYTES):
        raise Nonsense("exit.json is too long")
    files = tuple(_read_file(part, ask) for part in entry["files"])
    if len({file.name for file in files}) != len(files):
        raise Nonsense("it tells a file twice")
    problem = plain_words(str(entry.get("problem", "")))
    return RunNews(ask.token, entry["exists"], ended, files, problem)


def _read_file(entry: Any, ask: RunAsk) -> FileNews:
    news = FileNews(entry["name"], entry["size"], entry["offset"], entry["head"], entry["data"])
    is_log = news.name in ask.logs
    if not is_log and not _JOURNAL.fullmatch(news.name):
        raise Nonsense("it names a file that no worker writes")
    if any(type(number) is not int or number < 0 for number in (news.size, news.offset, news.head)):
        raise Nonsense("a size is none")
    if not isinstance(news.data, bytes) or len(news.data) > ask.max_bytes:
        raise Nonsense("it is longer than was asked for")
    if not is_log and news.offset != ask.offsets.get(news.name, 0):
        raise Nonsense("it begins elsewhere than was asked for")
    return news
