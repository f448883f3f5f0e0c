"""What an order may say of its server, and the command line that comes of it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.engines.vision.serving import ServerFlag, flag_value, flags_for
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.gpus import Gpu, choose_gpus
from bocr_worker.runtimes.openai.launch import launch_for, server_version, shares
from bocr_worker.runtimes.openai.options import OpenAiOptions, parse_options
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from bocr_worker.runtimes.registry import runtime_for
from tests.worker.vision_engines import SPEC, VISION, with_vision


def test_a_url_is_one_or_several_and_needs_no_v1() -> None:
    assert parse_options({"url": "http://here:8000/v1/"}, ()).url == ("http://here:8000",)
    two = parse_options({"url": ["http://a:1", "https://b/x/v1"]}, ())
    assert two.url == ("http://a:1", "https://b/x")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"urll": "http://a"}, "'urll' is unknown. Did you mean 'url'"),
        ({"url": "a:8000"}, "url should be like http://host:8000"),
        ({"url": "http://me:secret@host:8000"}, r"^url holds a name or a password(?!.*secret)"),
        ({"url": 7}, "url should be a list of texts"),
        ({"restarts": -1}, "restarts should be a whole number"),
        ({"restarts": True}, "restarts should be a whole number"),
        ({"gpus_per_server": 0}, "gpus_per_server should be a whole number from 1"),
        ({"outage_s": 0}, "outage_s should be a number of seconds"),
        ({"outage_s": float("nan")}, "outage_s should be a number of seconds"),
        ({"stream": "yes"}, "stream should be true or false"),
        ({"command": "vllm serve"}, "command should be a list"),
        ({"command": ["vllm", "serve"]}, r"command should hold \{port\}"),
        ({"environment": {"A": 1}}, "environment should be a text"),
        ({"url": "http://a", "servers": 2}, "url names a server that runs already"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        parse_options(options, ())


def test_an_engines_own_options_pass_by_and_a_wrong_one_breaks_the_runtime_with_the_nearest() -> None:
    order = EngineOrder("standin", "openai", options={"temperature": 0.5, "prompt": "plain", "model": "/m"})
    assert isinstance(runtime_for(SPEC, order, Limits(), 2), OpenAiRuntime)
    wrong = EngineOrder("standin", "openai", options={"temperatur": 0.5})
    with pytest.raises(RuntimeBroken, match=r"engine standin: .*Did you mean 'temperature'"):
        runtime_for(SPEC, wrong, Limits(), 2)


def test_an_engine_that_is_a_library_has_no_server() -> None:
    from bocr_worker.engines.registry import engine_named

    with pytest.raises(RuntimeBroken, match="noop is no vision-language model"):
        runtime_for(engine_named("noop"), EngineOrder("noop", "openai"), Limits(), 2)


# -- flags ---------------------------------------------------------------------------------------------

SEQS = "--max-num-seqs"
TABLE = (
    ServerFlag(SEQS, "8"),
    ServerFlag(SEQS, "32", least_gpu_gib=38),
    ServerFlag(SEQS, "64", least_gpu_gib=70),
    ServerFlag("--enable-prefix-caching"),
    ServerFlag("--disable-log-requests", versions=Versions(before=(0, 10))),
    ServerFlag("--no-enable-log-requests", versions=Versions(since=(0, 10))),
)


def test_flags_are_those_of_the_version_and_the_gpu() -> None:
    assert flags_for(TABLE, (0, 8, 5), 79.6) == (
        *(SEQS, "64", "--enable-prefix-caching", "--disable-log-requests"),
    )
    assert flags_for(TABLE, (0, 11, 2), 40.0)[:2] == (SEQS, "32")
    assert flags_for(TABLE, (0, 11, 2), None)[:2] == (SEQS, "8")
    assert flags_for(TABLE, None, 16.0)[-1] == "--no-enable-log-requests"


def test_the_last_word_on_a_flag_counts() -> None:
    assert flag_value((SEQS, "8", "--x", f"{SEQS}=12"), SEQS) == "12"
    assert flag_value((SEQS, "8", SEQS, "9"), SEQS) == "9"
    assert flag_value(("--x", SEQS), SEQS) is None


# -- GPUs ----------------------------------------------------------------------------------------------

TWO = "0, GPU-aaaa-1, 81559\n1, GPU-bbbb-2, 40960\n"


def test_the_jobs_gpus_are_those_it_was_given() -> None:
    assert choose_gpus(TWO, {}) == (Gpu("0", 81559 / 1024), Gpu("1", 40.0))
    assert choose_gpus(TWO, {"CUDA_VISIBLE_DEVICES": "1"}) == (Gpu("1", 40.0),)
    assert choose_gpus(TWO, {"CUDA_VISIBLE_DEVICES": "GPU-bbbb"}) == (Gpu("GPU-bbbb", 40.0),)
    assert choose_gpus(TWO, {"CUDA_VISIBLE_DEVICES": "MIG-7"}) == (Gpu("MIG-7", None),)
    assert choose_gpus("", {"CUDA_VISIBLE_DEVICES": "0,1"}) == (Gpu("0", None), Gpu("1", None))
    for none in ("", "-1"):
        assert choose_gpus(TWO, {"CUDA_VISIBLE_DEVICES": none}) == ()


def test_a_scheduler_that_does_not_say_which_gpus_gave_us_no_more_than_one() -> None:
    assert choose_gpus(TWO, {"PBS_JOBID": "7.host"}) == (Gpu(None, 40.0),)
    assert choose_gpus(TWO.splitlines()[0], {"PBS_JOBID": "7.host"}) == (Gpu("0", 81559 / 1024),)
    assert launched((Gpu(None, 40.0),)).environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_driver_that_talks_nonsense_has_no_gpus() -> None:
    assert choose_gpus("NVIDIA-SMI has failed, because\n0, GPU-a", {}) == ()
    assert choose_gpus("0, GPU-a, [N/A]", {}) == (Gpu("0", None),)


def test_each_server_gets_its_share_of_the_gpus() -> None:
    four = tuple(Gpu(str(number), 40.0) for number in range(4))
    assert shares(four, OpenAiOptions()) == tuple((gpu,) for gpu in four)
    assert shares(four[:3], OpenAiOptions(gpus_per_server=2)) == ((four[0], four[1]),)
    assert shares((), OpenAiOptions()) == ((),)
    assert shares(four[:1], OpenAiOptions(servers=2)) == ((four[0],), (four[0],))


# -- the command line ----------------------------------------------------------------------------------


def launched(gpus: tuple[Gpu, ...] = (), **options: Any) -> Any:
    around = {"PATH": "/bin", "PYTHONPATH": "/worker", "CUDA_VISIBLE_DEVICES": "0,1", "VLLM_API_KEY": "old"}
    return launch_for(VISION, OpenAiOptions(**options), gpus, "standin-1", "secret", around)


def test_the_default_command_serves_the_model_under_a_name_of_its_own() -> None:
    command = launched(model="/weights", server_flags=("--seed", "1")).command(8123)
    assert command[0].startswith(sys.executable.rpartition("/")[0])
    assert "/weights" in command
    assert flag_value(command, "--port") == "8123"
    assert flag_value(command, "--host") == "127.0.0.1"
    assert flag_value(command, "--served-model-name") == "standin-1"
    assert command[-4:] == ("--max-num-seqs", "4", "--seed", "1")


def test_the_key_is_on_no_command_line_and_the_workers_path_is_not_the_servers() -> None:
    launch = launched((Gpu("1", 40.0),), environment={"HF_HOME": "/cache"})
    assert not any("secret" in word for word in launch.command(1))
    assert launch.environment["VLLM_API_KEY"] == "secret"
    assert "PYTHONPATH" not in launch.environment
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert launch.environment["HF_HOME"] == "/cache"
    assert launched().environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_command_of_ones_own_is_filled_in() -> None:
    launch = launched(command=("{python}", "serve.py", "--at={host}:{port}", "{flags}"), model="m")
    assert launch.command(7) == (sys.executable, "serve.py", "--at=127.0.0.1:7", "--max-num-seqs", "4")
    assert not launch.is_named
    assert launched().is_named


def test_several_gpus_a_server_are_used_together() -> None:
    pair = (Gpu("0", 40.0), Gpu("1", 40.0))
    launch = launched(pair, gpus_per_server=2)
    assert flag_value(launch.command(1), "--tensor-parallel-size") == "2"
    assert launch.environment["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_the_servers_version_is_what_the_order_says_of_it() -> None:
    assert server_version(OpenAiOptions(server_version="0.8.5+cu118")) == (0, 8, 5)
    assert server_version(OpenAiOptions(command=("x", "{port}"))) is None


async def test_a_version_that_cannot_load_the_model_is_refused_before_anything_is_started() -> None:
    from bocr_worker.engines.base import EngineUnavailable

    spec = with_vision(served_by=Versions(since=(0, 11, 1), before=(0, 30)))
    order = EngineOrder("standin", "openai", options={"server_version": "0.8.5"})
    with pytest.raises(EngineUnavailable, match=r"0\.8\.5 cannot load stand-in.*0\.11\.1 or later"):
        await runtime_for(spec, order, Limits(), 2).start()
