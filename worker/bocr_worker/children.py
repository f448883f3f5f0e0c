"""Child processes that can be killed: one task at a time, a deadline for each, a memory limit for all.

A child is given the path of a function (`package.module:function`) and calls it for each task. Frames on
its pipes are an eight-byte length and a pickle; what the task prints goes to stderr. Used by the renderer,
by local engines and by the panel's intake.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LENGTH = struct.Struct(">Q")
_STARTUP_DEADLINE_S = 120.0
"""Importing an engine's libraries from a cold network filesystem takes this long at worst."""

_PARENTS_OWN = (int(signal.SIGINT), int(signal.SIGTERM), int(signal.SIGHUP))
"""Signals that reach a whole process group, from a terminal or a scheduler, and are the parent's to act on: a
child that died of one would look like a page that kills its engine. Programs that a child starts ignore them
likewise; they end with it."""

_PIPE_LIMIT_BYTES = 4 * 1024 * 1024
"""How much the parent buffers of a child's answer before it stops reading."""


class ChildFailed(Exception):
    """A task got no answer. The child is gone; the next task gets a fresh one."""


class ChildTimeout(ChildFailed):
    """The deadline passed; the child was killed."""

    def __init__(self, deadline_s: float) -> None:
        super().__init__(f"no answer within {deadline_s:g} s")
        self.deadline_s = deadline_s


class ChildDied(ChildFailed):
    """The child ended by itself: a crash in native code, or the system's memory killer."""

    def __init__(self, returncode: int | None) -> None:
        self.returncode = returncode
        if returncode is not None and returncode < 0:
            try:
                how = f"killed by {signal.Signals(-returncode).name}"
            except ValueError:
                how = f"killed by signal {-returncode}"
        else:
            how = f"exit status {returncode}"
        super().__init__(f"the process died ({how})")


class TaskRaised(Exception):
    """The task raised; the child lives on. `kind` is the exception's class name, `error` the exception
    itself where it could be sent."""

    def __init__(self, kind: str, message: str, error: BaseException | None = None) -> None:
        super().__init__(f"{kind}: {message}" if message else kind)
        self.kind = kind
        self.message = message
        self.error = error


@dataclass(frozen=True)
class ChildSpec:
    """What a child runs and what it may use.

    `task` is `module:function`, called as function(argument) with pickled values; `setup` likewise, called
    once with `setup_argument`, its return value kept for `start()`. `memory_bytes` limits the address space
    beyond what the child holds after setup (0: no limit). `tasks` recycles the child after so many (0:
    never). `startup_deadline_s` is for starting and setup together.
    """

    task: str
    setup: str | None = None
    setup_argument: Any = None
    memory_bytes: int = 0
    tasks: int = 0
    python: str = sys.executable
    environment: tuple[tuple[str, str], ...] = ()
    nice: int = 0
    startup_deadline_s: float = _STARTUP_DEADLINE_S


class Child:
    """One slot: a process that is started when first needed and replaced when it dies."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._process: asyncio.subprocess.Process | None = None
        self._done = 0
        self.setup_answer: Any = None
        self.deaths = 0

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> Any:
        """Start the process and run its setup; returns what the setup returned. Raises TaskRaised from the
        setup, ChildFailed when it did not get that far."""
        if self._process is not None and self._process.returncode is None:
            return self.setup_answer
        root = str(Path(__file__).resolve().parent.parent)
        environment = {**os.environ, **dict(self.spec.environment)}
        with _signals_kept_back():
            self._process = await asyncio.create_subprocess_exec(
                self.spec.python,
                "-c",
                "import signal; "
                f"[signal.signal(number, signal.SIG_IGN) for number in {_PARENTS_OWN!r}]; "
                f"signal.pthread_sigmask(signal.SIG_UNBLOCK, {_PARENTS_OWN!r}); "
                f"import sys; sys.path.insert(0, {root!r}); "
                "from bocr_worker import children; children.child_main()",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_PIPE_LIMIT_BYTES,
                env=environment,
            )
        self._done = 0
        spec = self.spec
        opening = (spec.task, spec.setup, spec.setup_argument, spec.memory_bytes, spec.nice, sys.path[1:])
        self.setup_answer = await self._exchange(opening, spec.startup_deadline_s)
        return self.setup_answer

    async def run(self, argument: Any, deadline_s: float) -> Any:
        """Run one task. Raises TaskRaised, ChildTimeout or ChildDied; cancellation kills the child."""
        if self.spec.tasks and self._done >= self.spec.tasks:
            await self.close()
        await self.start()
        self._done += 1
        return await self._exchange(argument, deadline_s)

    async def _exchange(self, argument: Any, deadline_s: float) -> Any:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            async with _deadline(deadline_s):
                body = pickle.dumps(argument, protocol=pickle.HIGHEST_PROTOCOL)
                process.stdin.write(_LENGTH.pack(len(body)) + body)
                await process.stdin.drain()
                head = await process.stdout.readexactly(_LENGTH.size)
                answer = await process.stdout.readexactly(_LENGTH.unpack(head)[0])
        except asyncio.TimeoutError:
            self.deaths += 1
            await self.kill()
            raise ChildTimeout(deadline_s) from None
        except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError):
            self.deaths += 1
            returncode = await process.wait()
            self._process = None
            raise ChildDied(returncode) from None
        except BaseException:
            await self.kill()
            raise
        ok, value = pickle.loads(answer)  # noqa: S301 - our own child, our own pipe
        if ok:
            return value
        raise TaskRaised(*value)

    async def close(self) -> None:
        """End the child politely (its stdin closes), and kill it if it does not go at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            async with _deadline(1.0):
                await process.wait()
        except asyncio.TimeoutError:
            await _slay(process)

    async def kill(self) -> None:
        """End the child now."""
        process, self._process = self._process, None
        if process is not None:
            await _slay(process)


@contextlib.contextmanager
def _signals_kept_back() -> Iterator[None]:
    """A process is born with its parent's mask: what comes before it can ignore a signal waits for it then.
    Unblocked by name, since two children may be started at the same time."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _PARENTS_OWN)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PARENTS_OWN)


async def _slay(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await asyncio.shield(process.wait())


@contextlib.asynccontextmanager
async def _deadline(seconds: float) -> Any:
    """asyncio.timeout for Python 3.10 too: raises asyncio.TimeoutError when the body took too long."""
    task = asyncio.current_task()
    assert task is not None
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    handle = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        yield
    except asyncio.CancelledError:
        if not expired:
            raise
        if hasattr(task, "uncancel"):
            task.uncancel()
        raise asyncio.TimeoutError from None
    finally:
        handle.cancel()


def resolve(path: str) -> Callable[[Any], Any]:
    """`module:function` as the function."""
    import importlib

    module, _, name = path.partition(":")
    function: Callable[[Any], Any] = getattr(importlib.import_module(module), name)
    return function


def child_main() -> None:
    """The child's whole life: setup, then a task a frame until stdin closes."""
    source, sink = _private_pipes()
    for number in _PARENTS_OWN:
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    try:
        opening = _receive(source)
    except EOFError:
        return
    task, setup, setup_argument, memory_bytes, nice, path = opening
    sys.path.extend(entry for entry in path if entry not in sys.path)
    if nice:
        os.nice(nice)

    def prepare(_: Any) -> tuple[Callable[[Any], Any], Any]:
        answer = resolve(setup)(setup_argument) if setup else None
        return resolve(task), answer

    ok, value = _attempt(prepare, None)
    if not ok:
        _send(sink, (False, value))
        return
    function, answer = value
    if memory_bytes:
        _limit_memory(memory_bytes)
    _send(sink, (True, answer))
    while True:
        try:
            argument = _receive(source)
        except EOFError:
            return
        _send(sink, _attempt(function, argument))


def _attempt(function: Callable[[Any], Any], argument: Any) -> tuple[bool, Any]:
    try:
        return True, function(argument)
    except BaseException as error:  # whatever a task raises is its answer
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        kind, message = type(error).__name__, str(error)[:2000]
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - does it survive the pipe?
        except Exception:  # noqa: BLE001
            return False, (kind, message, None)
        return False, (kind, message, error)


def _private_pipes() -> tuple[Any, Any]:
    """Keep the real stdin and stdout to ourselves; what libraries print goes to stderr."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return source, sink


def _receive(source: Any) -> Any:
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    body = source.read(_LENGTH.unpack(head)[0])
    return pickle.loads(body)  # noqa: S301 - our own parent, our own pipe


def _send(sink: Any, value: Any) -> None:
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    sink.write(_LENGTH.pack(len(body)))
    sink.write(body)
    sink.flush()


def _limit_memory(beyond_bytes: int) -> None:
    """Limit the address space to what is mapped now plus `beyond_bytes`. Without /proc: to that alone."""
    import resource

    mapped = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        mapped = pages * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = mapped + beyond_bytes
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _die_with_parent() -> None:
    """Ask Linux to kill this child when its parent dies; elsewhere the closed stdin ends it at the next
    task."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == 1:
            time.sleep(0)
            os.kill(os.getpid(), signal.SIGKILL)
