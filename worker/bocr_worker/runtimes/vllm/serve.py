"""A process around vLLM's engine that speaks a server's language: health, models, metrics and questions.

Started by runtime.py, for one model, on this machine alone. What vLLM's own server does beyond that is left
out, and what it cannot do is why this exists.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable
from typing import Any

from bocr_worker.runtimes.vllm.own_code import ARCHITECTURE, NoSuchCode, prepare_environment, register
from bocr_worker.runtimes.vllm.question import (
    BadQuestion,
    Question,
    answer_body,
    open_image,
    read_question,
    sampling_of,
)

_LARGEST_BODY_BYTES = 256 * 1024 * 1024
_DEAD = 70
"""Exit status once the engine is: whoever started this starts it again."""

_SEQUENCES = 128
"""At a time, where no flag says."""


def main() -> int:
    """Runs until SIGTERM."""
    own = _own_words().parse_args(_before_dashes(sys.argv[1:]))
    if own.code:
        prepare_environment()
    engine, how = _build(own, _after_dashes(sys.argv[1:]))
    asyncio.run(_serve(own, engine, how))
    return 0


def _before_dashes(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


def _after_dashes(words: list[str]) -> list[str]:
    return words[words.index("--") + 1 :] if "--" in words else []


def _own_words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bocr-vllm")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--served-model-name", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--before", help="what stands before a prompt, instead of the chat template")
    parser.add_argument("--after", default="")
    parser.add_argument("--code", default="")
    parser.add_argument("--sizes", default="1024,640,1")
    return parser


class How:
    """How a question becomes the engine's: its prompt by `prompt`, its image by `image`."""

    def __init__(self, own: argparse.Namespace, image: Callable[[Any], Any] | None) -> None:
        self._own = own
        self._image = image
        self._template: Any = None

    def prompt(self, question: Question) -> str:
        if self._own.before is not None:
            return f"{self._own.before}{question.text}{self._own.after}"
        if self._template is None:
            from transformers import AutoTokenizer

            self._template = AutoTokenizer.from_pretrained(self._own.model)
        content = [{"type": "text", "text": question.text}]
        if question.image is not None:
            content.insert(0, {"type": "image"})
        said = [{"role": "user", "content": content}]
        if question.system:
            said.insert(0, {"role": "system", "content": [{"type": "text", "text": question.system}]})
        return str(self._template.apply_chat_template(said, tokenize=False, add_generation_prompt=True))

    def of(self, question: Question) -> dict[str, Any]:
        """Blocks for as long as an image takes to decode. Raises BadQuestion."""
        asked: dict[str, Any] = {"prompt": self.prompt(question)}
        if question.image is not None:
            image = open_image(question.image)
            asked["multi_modal_data"] = {"image": self._image(image) if self._image else image}
        return asked


def _build(own: argparse.Namespace, flags: list[str]) -> tuple[Any, How]:
    """The engine is made of the flags that this vLLM knows; the others are named in the log."""
    from vllm.engine.arg_utils import AsyncEngineArgs

    image = None
    if own.code:
        base, size, crop = (int(number) for number in own.sizes.split(","))
        try:
            image = register(own.code, own.model, (base, size, bool(crop)))
        except NoSuchCode as error:
            raise SystemExit(str(error)) from None
        flags = ["--trust-remote-code", "--hf-overrides", _overrides(), "--block-size", "256", *flags]
    parser = AsyncEngineArgs.add_cli_args(_parser())
    known, unknown = parser.parse_known_args(["--model", own.model, *map(_dashed, flags)])
    if unknown:
        print(f"This vLLM does not know: {' '.join(unknown)}", flush=True)  # noqa: T201 - the log
    arguments = AsyncEngineArgs.from_cli_args(known)
    own.sequences = getattr(arguments, "max_num_seqs", None) or _SEQUENCES
    from vllm import AsyncLLMEngine

    return (lambda: AsyncLLMEngine.from_engine_args(arguments)), How(own, image)


def _overrides() -> str:
    return json.dumps({"architectures": [ARCHITECTURE]})


def _dashed(word: str) -> str:
    """A flag as vLLM's parser names it. Its own server takes `--logits_processors` as well, but what asks for
    the known flags alone does not: a flag with an underscore would be left out."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value


def _parser() -> Any:
    """vLLM moved its parser about."""
    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:
        from vllm.utils import FlexibleArgumentParser
    return FlexibleArgumentParser()


async def _serve(own: argparse.Namespace, make: Callable[[], Any], how: How) -> None:
    from aiohttp import web

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    engine = make()
    desk = Desk(own, engine, how)
    application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    application.router.add_get("/health", desk.health)
    application.router.add_get("/version", desk.version)
    application.router.add_get("/v1/models", desk.models)
    application.router.add_get("/metrics", desk.metrics)
    application.router.add_post("/v1/chat/completions", desk.complete)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, own.host, own.port).start()
        print(f"Serving {own.model} on {own.host}:{own.port}", flush=True)  # noqa: T201 - the log
        await ended.wait()
    finally:
        await runner.cleanup()
        shutdown = getattr(engine, "shutdown", None) or getattr(engine, "shutdown_background_loop", None)
        if shutdown is not None:
            shutdown()


class Desk:
    """Answers requests."""

    def __init__(self, own: argparse.Namespace, engine: Any, how: How) -> None:
        self._own = own
        self._engine = engine
        self._how = how
        self._key = os.environ.get("VLLM_API_KEY", "")
        self._inside = 0
        self._tokens = 0

    async def health(self, request: Any) -> Any:
        from aiohttp import web

        try:
            await self._engine.check_health()
        except Exception as error:  # noqa: BLE001 - whatever it is, the engine is of no use any more
            print(f"The engine is dead: {error}", flush=True)  # noqa: T201 - the log
            os._exit(_DEAD)
        return web.Response()

    async def version(self, request: Any) -> Any:
        import vllm
        from aiohttp import web

        return web.json_response({"version": vllm.__version__})

    async def models(self, request: Any) -> Any:
        from aiohttp import web

        if not self._lets_in(request):
            return _refusal(401, "another's key")
        entry = {"id": self._own.served_model_name, "object": "model", "root": self._own.model}
        return web.json_response({"object": "list", "data": [entry]})

    async def metrics(self, request: Any) -> Any:
        """Of what vLLM says, the figures by which it is kept full."""
        from aiohttp import web

        running = min(self._inside, self._own.sequences)
        lines = (
            f"vllm:num_requests_running {running}",
            f"vllm:num_requests_waiting {self._inside - running}",
            f"vllm:generation_tokens_total {self._tokens}",
        )
        return web.Response(text="\n".join(lines) + "\n")

    def _lets_in(self, request: Any) -> bool:
        said = request.headers.get("Authorization", "")
        return not self._key or secrets.compare_digest(said, f"Bearer {self._key}")

    async def complete(self, request: Any) -> Any:
        from aiohttp import web

        if not self._lets_in(request):
            return _refusal(401, "another's key")
        try:
            question = read_question(await request.read())
            asked = await asyncio.to_thread(self._how.of, question)
            output = await self._generate(asked, self._sampling(question))
        except BadQuestion as error:
            return _refusal(400, str(error))
        except ValueError as error:  # vLLM's own word on a question that does not fit the model
            return _refusal(400, " ".join(str(error).split())[:1000])
        body = answer_body(self._own.served_model_name, output)
        return web.Response(body=body, content_type="application/json")

    def _sampling(self, question: Question) -> Any:
        from vllm import SamplingParams

        first = "v1" not in type(self._engine).__module__.split(".")
        return sampling_of(question.body, SamplingParams, first_engine=first)

    async def _generate(self, asked: dict[str, Any], sampling: Any) -> Any:
        """The finished output. Cancelled (nobody waits any more), the engine stops writing."""
        number, output, written = f"bocr-{secrets.token_hex(8)}", None, 0
        self._inside += 1
        try:
            async for output in self._engine.generate(asked, sampling, number):
                now = len(output.outputs[0].token_ids)
                self._tokens += now - written
                written = now
        except asyncio.CancelledError:
            stopped = self._engine.abort(number)
            if inspect.isawaitable(stopped):
                await stopped
            raise
        finally:
            self._inside -= 1
        return output


def _refusal(status: int, words: str) -> Any:
    from aiohttp import web

    return web.json_response({"error": {"message": words, "code": status}}, status=status)
