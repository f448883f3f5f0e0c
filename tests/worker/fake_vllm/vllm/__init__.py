"""An engine that answers with what it was asked, and dies when it is told to."""

import asyncio
import os
import pathlib

__version__ = "0.8.5"


class SamplingParams:
    def __init__(self, **words):
        self.__dict__.update(words)


class _Logprob:
    def __init__(self, decoded_token, logprob):
        self.decoded_token = decoded_token
        self.logprob = logprob


class _Said:
    def __init__(self, text, logprobs, finish_reason):
        self.text = text
        self.token_ids = list(range(len(text.split())))
        self.logprobs = logprobs
        self.finish_reason = finish_reason


class _Output:
    def __init__(self, request_id, said):
        self.request_id = request_id
        self.prompt_token_ids = [1, 2, 3]
        self.outputs = [said]


class AsyncLLMEngine:
    def __init__(self, arguments):
        self.arguments = arguments
        self.aborted = []

    @classmethod
    def from_engine_args(cls, arguments):
        if "broken" in arguments.model:
            raise RuntimeError("no kernel image is available")
        print("flags:", sorted(vars(arguments).items()), flush=True)
        return cls(arguments)

    async def check_health(self):
        mark = pathlib.Path(os.environ.get("FAKE_VLLM_DIES", "/nonexistent"))
        if mark.exists():
            mark.unlink()
            raise RuntimeError("the background loop has errored")

    async def generate(self, asked, sampling, request_id):
        if sampling.max_tokens > 8192:
            raise ValueError("max_tokens is more than the model holds")
        image = asked.get("multi_modal_data", {}).get("image")
        processors = len(getattr(sampling, "logits_processors", ()))
        text = f"{asked['prompt']} with {image!r} and {processors} processors"
        words = text.split()
        for count in range(1, len(words) + 1):
            part = " ".join(words[:count])
            spelled = [words[0], *(f" {word}" for word in words[1:count])]
            known = [{n: _Logprob(word, -0.01)} for n, word in enumerate(spelled)]
            yield _Output(request_id, _Said(part, known, "stop" if count == len(words) else None))
            await asyncio.sleep(0)

    async def abort(self, request_id):
        self.aborted.append(request_id)
