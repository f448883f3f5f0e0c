"""Engines that are models run by the library transformers: one process for each GPU, pages in batches.

What a process does wrong is not a page's fault: the pages that it had are asked again, each alone, since only
so a page can show that it is to blame.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bocr_worker.children import ChildSpec
from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable
from bocr_worker.engines.vision.base import Question, VisionEngine, option_names, question_for
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import EngineIdentity, RuntimeBroken
from bocr_worker.runtimes.openai.gpus import Gpu, gpus_of_job
from bocr_worker.runtimes.openai.reading import recognition_of
from bocr_worker.runtimes.transformers.batches import Asked, Waiting
from bocr_worker.runtimes.transformers.lane import Lane
from bocr_worker.runtimes.transformers.options import TransformersOptions, parse_options
from bocr_worker.runtimes.transformers.wire import InferCall, Opening, Row

_HERE = "bocr_worker.runtimes.transformers.child"

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    # Threads of the tokenizer's own beside those of torch only get in each other's way.
    "TOKENIZERS_PARALLELISM": "false",
}

_BATCHES_WAITING = 2
"""So many batches are asked for: one is read, and the next waits complete when that one ends."""


class TransformersRuntime:
    """Fulfils runtimes/base.Runtime. `lanes` may be looked at; `facts` is for the journal."""

    def __init__(self, spec: EngineSpec, order: EngineOrder, cores: int) -> None:
        """Raises RuntimeBroken for options that cannot be meant."""
        if spec.vision is None or spec.vision.native is None:
            raise RuntimeBroken(f"engine {spec.name} is no model that transformers can run")
        self.spec = spec
        self._engine: VisionEngine = spec.vision
        self._native: NativeCall = spec.vision.native
        names = option_names(self._engine)
        try:
            self._options = parse_options(order.options, names)
        except OptionError as error:
            raise RuntimeBroken(f"engine {spec.name}: {error}") from None
        self._reading = {name: order.options[name] for name in names if name in order.options}
        self._order = order
        self._cores = cores
        self._waiting = Waiting()
        self._suspects: set[bytes] = set()
        self._keeping: list[asyncio.Task[None]] = []
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._start_s = 0.0
        self._begun = False
        self.lanes: tuple[Lane, ...] = ()

    @property
    def slots(self) -> int:
        return max(1, sum(_BATCHES_WAITING * lane.size.most for lane in self.lanes if lane.is_up))

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that run now."""
        return tuple(lane.pid for lane in self.lanes if lane.pid is not None)

    @property
    def facts(self) -> dict[str, float | int]:
        """For the heartbeats: how many processes are up, how many pages they read at a time, what loading
        took, what was lost to restarts, and how full the batches were."""
        up = [lane for lane in self.lanes if lane.is_up]
        loads = [lane.loaded.load_s for lane in self.lanes if lane.loaded is not None]
        batches = sum(lane.batches for lane in self.lanes)
        rows = sum(lane.rows for lane in self.lanes)
        return {
            **({"load_s": round(max(loads), 1)} if loads else {}),
            **({"pages_a_batch": round(rows / batches, 2)} if batches else {}),
            "servers": len(self.lanes),
            "servers_up": len(up),
            "in_flight_limit": sum(lane.size.limit for lane in up),
            "start_s": round(self._start_s, 1),
            "restarts": sum(lane.restarts for lane in self.lanes),
            "lost_s": round(sum(lane.lost_s for lane in self.lanes), 1),
            "batches": batches,
            "out_of_memory": sum(lane.size.too_many for lane in self.lanes),
        }

    # -- start and end ---------------------------------------------------------------------------------

    async def start(self) -> EngineIdentity:
        """Returns when every process has loaded the model or been given up; one is enough to go on. Raises
        EngineUnavailable, RuntimeBroken."""
        began = time.monotonic()
        gpus = () if self._options.device == "cpu" else await gpus_of_job(os.environ)
        self._scratch = tempfile.TemporaryDirectory(prefix="bocr-", ignore_cleanup_errors=True)
        self.lanes = tuple(self._lane(number, gpu) for number, gpu in enumerate(self._shares(gpus), 1))
        try:
            ends = await asyncio.gather(*(lane.load() for lane in self.lanes), return_exceptions=True)
        except BaseException:
            await self.close()
            raise
        first = next((lane.loaded for lane in self.lanes if lane.loaded is not None), None)
        if first is None:
            await self.close()
            raise next(end for end in ends if end is not None)
        for lane, end in zip(self.lanes, ends):  # noqa: B905 - Python 3.10, and of one length
            if end is not None:
                print(f"{lane.name} is left out: {end}", file=sys.stderr, flush=True)  # noqa: T201
        self._keeping = [asyncio.create_task(lane.keep()) for lane in self.lanes if lane.is_up]
        self._start_s = time.monotonic() - began
        self._begun = True
        return EngineIdentity(first.version, first.weights)

    async def close(self) -> None:
        """End every process. Asks that wait get RuntimeBroken."""
        self._begun = False
        self._waiting.close(RuntimeBroken(f"engine {self.spec.name} is not running"))
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await asyncio.gather(*(lane.end() for lane in self.lanes), return_exceptions=True)
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            await asyncio.to_thread(scratch.cleanup)

    def _shares(self, gpus: tuple[Gpu, ...]) -> tuple[Gpu | None, ...]:
        """The GPU of each process; None: none, or what it finds. More processes than GPUs share them."""
        count = self._order.processes or max(1, len(gpus))
        return tuple(gpus[number % len(gpus)] if gpus else None for number in range(count))

    def _lane(self, number: int, gpu: Gpu | None) -> Lane:
        assert self._scratch is not None
        name = f"GPU {gpu.name}" if gpu is not None and gpu.name is not None else f"process {number}"
        threads = self._order.threads or max(1, self._cores // (self._order.processes or 1))
        child = ChildSpec(
            task=f"{_HERE}:read",
            setup=f"{_HERE}:load",
            setup_argument=self.opening(threads, self._scratch.name),
            environment=tuple(self._environment(gpu, threads).items()),
            startup_deadline_s=self._options.start_deadline_s,
        )
        return Lane(
            name, self.spec.name, child, self._waiting, self._suspects, self._options.restarts, self._changed
        )

    def opening(self, threads: int, scratch: str) -> Opening:
        """What a process is told to load; `scratch` is a folder of this job's own."""
        options, native = self._options, self._native
        infer = native.infer
        plain = NativeCall()
        return Opening(
            engine=self.spec.name,
            model=options.model or self._engine.models[0],
            native=replace(native, processor_options=plain.processor_options, infer=None),
            infer=None if infer is None else InferCall(infer.method, infer.before, infer.auto_class),
            trust_remote_code=options.trust_remote_code,
            device=options.device,
            dtype=options.dtype,
            attention=options.attention,
            batch_size=options.batch_size,
            logprobs=options.logprobs,
            stop_loops=options.stop_loops,
            threads=threads,
            scratch=scratch,
            # Half of what an answer may be: few are that long, and the batch halves itself if they are.
            answer_tokens=max(1, self._engine.sampling(0).max_tokens // 2),
            random_weights=options.random_weights,
        )

    def _environment(self, gpu: Gpu | None, threads: int) -> dict[str, str]:
        assert self._scratch is not None
        found = {**_OFFLINE, "OMP_NUM_THREADS": str(threads)}
        # Code beside the weights is copied before it is imported: into a folder of this job's own.
        found["HF_MODULES_CACHE"] = f"{self._scratch.name}/modules"
        if gpu is not None and gpu.name is not None:
            found["CUDA_VISIBLE_DEVICES"] = gpu.name
        if self._options.device == "cpu":
            found["CUDA_VISIBLE_DEVICES"] = ""
        if "PYTORCH_CUDA_ALLOC_CONF" not in os.environ:
            # Batches differ in size: segments that grow leave fewer holes between them.
            found["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"
        return {**found, **self._options.environment}

    def _changed(self) -> None:
        """A lane ended: with the last one ends the engine."""
        if not self._begun or any(lane.broken is None for lane in self.lanes):
            return
        causes = [lane.broken for lane in self.lanes]
        for cause in causes:
            if isinstance(cause, (RuntimeBroken, EngineUnavailable)):
                self._waiting.close(RuntimeBroken(str(cause)))
                return

    # -- one page --------------------------------------------------------------------------------------

    async def ask(self, ask: Ask, deadline_s: float) -> Recognition:
        """The deadline counts from when a process takes the page, for each time that it does."""
        if not self._begun:
            raise RuntimeBroken(f"engine {self.spec.name} is not running")
        options: Mapping[str, Any] = {**self._reading, **ask.options}
        try:
            question = question_for(self._engine, ask.image, options, None)
            row = self.row_of(question, options, deadline_s)
        except OptionError as error:
            raise RuntimeBroken(f"engine {self.spec.name}: {error}") from None
        asked = Asked(row, asyncio.get_running_loop().create_future())
        asked.alone = question.sampling.seed is not None or asked.print in self._suspects
        self._waiting.put(asked)
        said = await asked.answer
        recognition = recognition_of(self._engine, question, said)
        if recognition.language or not ask.languages:
            return recognition
        return replace(recognition, language=ask.languages[0])

    def row_of(self, question: Question, options: Mapping[str, Any], deadline_s: float) -> Row:
        """The question as a process gets it."""
        native = self._native
        return Row(
            image=question.image.encoded,
            text=question.text,
            system=question.system,
            sampling=question.sampling,
            deadline_s=deadline_s,
            fields=dict(question.fields),
            processor_options=dict(native.processor_options(options)),
            keywords=dict(native.infer.keywords(options)) if native.infer is not None else {},
        )


__all__ = ["TransformersOptions", "TransformersRuntime"]
