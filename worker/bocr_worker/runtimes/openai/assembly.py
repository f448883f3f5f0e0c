"""Which servers a runtime has, and how many questions each may have at a time."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.serving import flag_value
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.gate import Gate
from bocr_worker.runtimes.openai.gpus import gpus_of_job
from bocr_worker.runtimes.openai.launch import launch_for, shares
from bocr_worker.runtimes.openai.options import OpenAiOptions
from bocr_worker.runtimes.openai.servers import ExistingServer, Server, SpawnedServer

_START_IN_FLIGHT = 16
_SERVED_AT_ONCE = 128
"""At most, by a server that does not say how many it serves at a time."""

_SPARE_SHARE = 8
"""One more for so many that are served at a time: the line from which a free slot is filled at once."""


async def assemble(
    engine_name: str, engine: VisionEngine, options: OpenAiOptions, run_folder: Path
) -> list[tuple[Server, Gate]]:
    """Nothing is started yet. Raises RuntimeBroken for a key that is not there."""
    if options.url:
        key = _key(options)
        return [(ExistingServer(url, options.model, key, options), _gate(options, 0)) for url in options.url]
    chunks = shares(await gpus_of_job(os.environ), options)
    found: list[tuple[Server, Gate]] = []
    for number, gpus in enumerate(chunks, 1):
        key, name = secrets.token_urlsafe(24), f"{engine_name}-{secrets.token_hex(4)}"
        launch = launch_for(engine, options, gpus, name, key, os.environ)
        log = run_folder / ("server.log" if number == 1 else f"server-{number}.log")
        title = "the model server" if len(chunks) == 1 else f"model server {number}"
        at_once = flag_value(launch.flags, "--max-num-seqs") or ""
        server = SpawnedServer(title, launch, key, log, options)
        found.append((server, _gate(options, int(at_once) if at_once.isdecimal() else 0)))
    return found


def _key(options: OpenAiOptions) -> str:
    if not options.api_key_env:
        return ""
    key = os.environ.get(options.api_key_env, "")
    if not key:
        raise RuntimeBroken(f"the job's environment has no {options.api_key_env} (api_key_env)")
    return key


def _gate(options: OpenAiOptions, at_once: int) -> Gate:
    """`at_once`: what the server serves at a time, 0 where nobody knows."""
    start = at_once + 1 if at_once else _START_IN_FLIGHT
    at_once = at_once or _SERVED_AT_ONCE
    return Gate(start, options.max_in_flight or at_once + max(2, at_once // _SPARE_SHARE))
