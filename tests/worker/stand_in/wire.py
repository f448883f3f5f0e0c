"""Questions and answers in the form that travels."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.worker.stand_in.answers import Answer, logprob_entry


def question(body: dict[str, Any]) -> tuple[str, bytes]:
    """The words and the image of the last message. Raises for what is no such message."""
    content = body["messages"][-1]["content"]
    prompt, image = "", b""
    for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
        if part["type"] == "text":
            prompt += part["text"]
        else:
            head, _, data = part["image_url"]["url"].partition(";base64,")
            if not head.startswith("data:image/"):
                raise ValueError("images come as data URIs here")
            image += base64.b64decode(data, validate=True)
    return prompt, image


def usage(said: Answer) -> dict[str, int]:
    return {
        "prompt_tokens": 1200,
        "completion_tokens": len(said.tokens),
        "total_tokens": 1200 + len(said.tokens),
    }


def logprobs(tokens: tuple[str, ...], values: tuple[object, ...] | None) -> str:
    if values is None:
        return "null"
    entries = ",".join(map(logprob_entry, tokens, values))
    return f'{{"content":[{entries}]}}'


def completion(model: str, said: Answer, choices: bool) -> bytes:
    content = json.dumps(said.text, ensure_ascii=False)
    choice = (
        f'{{"index":0,"message":{{"role":"assistant","content":{content}}},'
        f'"logprobs":{logprobs(said.tokens, said.logprobs)},'
        f'"finish_reason":"{said.finish}","stop_reason":null}}'
    )
    return (
        f'{{"id":"chatcmpl-stand-in","object":"chat.completion","model":{json.dumps(model)},'
        f'"choices":[{choice if choices else ""}],"usage":{json.dumps(usage(said))}}}'
    ).encode()


def delta(tokens: tuple[str, ...], values: tuple[object, ...] | None, finish: str | None) -> str:
    content = json.dumps({"content": "".join(tokens)}, ensure_ascii=False)
    return (
        f'{{"choices":[{{"index":0,"delta":{content},"logprobs":{logprobs(tokens, values)},'
        f'"finish_reason":{json.dumps(finish)}}}]}}'
    )


def event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()
