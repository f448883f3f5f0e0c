"""By hand, or in the place of `vllm serve`: flags it does not know are taken and ignored.

python -m tests.worker.stand_in --port 8000 --slots 64 --service 5-30 --time-scale 0.1
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.worker.stand_in.faults import Fault, FaultPlan
from tests.worker.stand_in.server import StandIn
from tests.worker.stand_in.settings import Settings

_SLEEPER = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def _log(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - a server's log


def main() -> None:
    options = _options()
    if options.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _log(f"INFO stand-in {os.getpid()} starts, PYTHONPATH={os.environ.get('PYTHONPATH', '')!r}")
    _log(f"INFO gpus {os.environ.get('CUDA_VISIBLE_DEVICES', 'not told')}")
    for number in range(options.children):
        # As an engine's workers do: they stay when their parent dies, and may leave its group.
        subprocess.Popen([sys.executable, "-c", _SLEEPER], start_new_session=number % 2 == 1)
    if options.start_crash:
        _log("INFO loading weights")
        _log("ValueError: No available memory for the cache blocks.")
        _log("RuntimeError: Engine core initialization failed.")
        sys.exit(1)
    settings = Settings(
        slots=options.slots,
        model=options.served_model_name or options.model or "stand-in",
        service=options.service,
        tokens=options.tokens,
        tokens_per_s=options.tokens_per_s,
        time_scale=options.time_scale,
        markup=options.markup,
        most_waiting=options.most_waiting,
        health_stall_s=options.health_stall_s,
        start_s=options.start_s,
        ledger=options.ledger,
        api_key=os.environ.get("VLLM_API_KEY", ""),
    )
    plan = FaultPlan([Fault(**fault) for fault in json.loads(options.faults)])
    asyncio.run(_serve(StandIn(settings, plan), options.host, options.port))


async def _serve(server: StandIn, host: str, port: int) -> None:
    server.on_crash = lambda: os._exit(13)
    await server.start(host, port)
    _log(f"INFO serving on {server.url}")
    ended = asyncio.Event()
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await server.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="`serve MODEL`, as vllm has it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="")
    parser.add_argument("--served-model-name", default="")
    parser.add_argument("--slots", "--max-num-seqs", type=int, default=4)
    parser.add_argument("--service", default="0", help="seconds, 5 or 5-30")
    parser.add_argument("--tokens", default="60")
    parser.add_argument("--tokens-per-s", type=float, default=0.0)
    parser.add_argument("--time-scale", type=float, default=1.0)
    parser.add_argument("--markup", default="plain", choices=("plain", "chandra", "deepseek", "olmocr"))
    parser.add_argument("--most-waiting", type=int)
    parser.add_argument("--health-stall-s", type=float, default=0.0)
    parser.add_argument("--start-s", type=float, default=0.0)
    parser.add_argument("--start-crash", action="store_true")
    parser.add_argument("--ignore-sigterm", action="store_true")
    parser.add_argument("--children", type=int, default=0, help="processes that outlive it if nobody looks")
    parser.add_argument("--ledger", default="", help="a file that gets a line for each question")
    parser.add_argument("--faults", default="[]", help='JSON: [{"kind": "loop", "share": 0.05}]')
    options, _ = parser.parse_known_args()
    return options


if __name__ == "__main__":
    main()
