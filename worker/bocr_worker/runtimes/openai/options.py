"""What an engine order may say about the server that its model runs on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bocr_worker.engines.vision.base import nearest
from bocr_worker.engines.vision.sampling import OptionError, whole_option
from bocr_worker.runtimes.plain_options import flag_option, seconds_option, text_option, variables_option


@dataclass(frozen=True)
class OpenAiOptions:
    """Of `[engines.<name>.options]`, all that is about the server and not about how a page is read."""

    url: tuple[str, ...] = ()
    """Servers that run already, as a text or a list; with these none is started."""
    api_key_env: str = ""
    """The environment variable that holds the key to those servers; the key itself is in no file of ours."""
    model: str = ""
    """What is served: a folder or a name. Of a server that runs already: the model to ask for, and left out
    the one that it has. Default: the engine's."""
    command: tuple[str, ...] = ()
    """The command line that starts a server. Words may hold {python} {model} {name} {host} {port}; the word
    {flags} becomes the engine's flags and `server_flags`. Default: vLLM of the worker's own Python."""
    server_flags: tuple[str, ...] = ()
    """Come after the engine's, so that they win."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for the server, on top of the job's own."""
    server_version: str = ""
    """What the command starts, where it is not the worker's own Python's vLLM."""
    servers: int = 0
    """How many are started; 0: one for every `gpus_per_server` GPUs of the job."""
    gpus_per_server: int = 1
    max_in_flight: int = 0
    """Most questions to one server at a time; 0: an eighth more than its --max-num-seqs, or than 128."""
    start_deadline_s: float = 900.0
    """From the command to the first sign of health: nine gigabytes of weights from a cold network filesystem
    and the compiling of their kernels."""
    restarts: int = 5
    """Of each server, in the whole job."""
    outage_s: float = 180.0
    """A server that answers nothing but errors for so long is started again, or given up."""
    stall_s: float = 180.0
    """So long without one token while questions wait, and it hangs, whatever its health says."""
    watch_s: float = 2.0
    backoff_s: float = 0.5
    """Before the second try of a question; it doubles with each."""
    stream: bool = False
    """Read answers as they are written, and stop those that go round in circles. Costs more of the client's
    time than it saves unless many pages loop."""
    logprobs: bool = True
    most_answer_bytes: int = 64 * 1024 * 1024


_NAMES = {each.name: each for each in fields(OpenAiOptions)}
SERVER_OPTIONS = tuple(_NAMES)

_LEAST_SECONDS = 1e-4


def parse_options(options: Mapping[str, Any], others: tuple[str, ...]) -> OpenAiOptions:
    """`others` are the names that the engine understands. Raises OptionError, naming the key and, for an
    unknown one, the nearest that there is."""
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name in _NAMES:
            values[name] = _read(name, value)
        elif name not in others:
            raise OptionError(
                f"the option {str(name)[:40]!r} is unknown{nearest(str(name), (*SERVER_OPTIONS, *others))}"
            )
    parsed = OpenAiOptions(**values)
    if parsed.url and (parsed.command or parsed.server_flags or parsed.servers):
        raise OptionError("url names a server that runs already; command, server_flags and servers start one")
    if parsed.command and not any("{port}" in word for word in parsed.command):
        raise OptionError("command should hold {port}: a free one is chosen when the server is started")
    return parsed


def _read(name: str, value: Any) -> Any:
    default = _NAMES[name].default
    if name == "url":
        return tuple(_url(each) for each in ([value] if isinstance(value, str) else _texts(name, value)))
    if name == "environment":
        return variables_option(name, value)
    if isinstance(default, bool):
        return flag_option(name, value)
    if isinstance(default, int):
        return whole_option(name, value, 1 if name == "gpus_per_server" else 0, 1 << 40)
    if isinstance(default, float):
        return seconds_option(name, value, _LEAST_SECONDS)
    if isinstance(default, tuple):
        return _texts(name, value)
    return text_option(name, value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > 200:
        raise OptionError(f"{name} should be a list of texts, not {str(value)[:40]!r}")
    return tuple(text_option(name, each) for each in value)


def _url(value: str) -> str:
    """Without the /v1 that people copy along with it."""
    bare = text_option("url", value).strip().rstrip("/").removesuffix("/v1")
    if "@" in bare.partition("://")[2].partition("/")[0]:
        raise OptionError("url holds a name or a password; what a server asks for comes from api_key_env")
    if not bare.startswith(("http://", "https://")) or any(character.isspace() for character in bare):
        raise OptionError(f"url should be like http://host:8000, not {value[:60]!r}")
    return bare
