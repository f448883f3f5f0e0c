"""The panel in a browser, by textual-serve: a process of the panel for every page that is open.

Whoever reaches the port uses the panel as the person who started it; there is no password. So it listens on
this machine alone unless another address is named, and it answers only to the names that it was started
under: a page of another origin may open a WebSocket to 127.0.0.1 in anybody's browser, and a name of somebody
else's may lead to 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

from bocr_tui.config.errors import UsageError

PAGE = Path(__file__).parent / "served"
"""Our own page: textual-serve's asks a font of another server."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PanelServer(Server):
    """Serves one workspace's panel. `names` are the hosts that a browser may know it by; `ready` is told the
    address once it is listened on."""

    def __init__(
        self,
        command: str,
        host: str,
        port: int,
        title: str,
        names: frozenset[str],
        ready: Callable[[str], None],
    ) -> None:
        shown = f"[{host}]" if ":" in host else host
        super().__init__(
            command, host, port, title, public_url=f"http://{shown}:{port}", templates_path=str(PAGE)
        )
        self._names = names
        self._ready = ready

    def serve(self, debug: bool = False) -> None:
        """As the library does, but only what listens is said to be served."""
        self.debug = debug
        self.initialize_logging()
        loop = asyncio.new_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.request_exit)
        web.run_app(
            self._make_app(),
            host=self.host,
            port=self.port,
            handle_signals=False,
            loop=loop,
            print=lambda *_: self._ready(self.public_url),
        )

    def initialize_logging(self) -> None:
        """Only what goes wrong, to standard error."""
        logging.basicConfig(level=logging.WARNING, format="bocr serve: %(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """The library's banner says nothing that the command has not said."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was asked by another name, or by a page from elsewhere."""
        if not self.known(request.host) or not self._own_origin(request):
            raise web.HTTPForbidden(text="This panel is served under another name.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers["X-Frame-Options"] = "DENY"
            response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _own_origin(self, request: web.Request) -> bool:
        """A WebSocket must say where its page came from: from here."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.path != "/ws"
        parts = urlsplit(origin)
        return parts.scheme == "http" and parts.netloc == request.host and self.known(parts.netloc)

    def known(self, netloc: str) -> bool:
        """Whether a browser may call this server so."""
        try:
            parts = urlsplit(f"//{netloc}")
            return parts.hostname in self._names and (parts.port or 80) == self.port
        except ValueError:
            return False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def free_port(host: str, port: int) -> int:
    """`port` itself, or any that is free for 0. Raises UsageError when it is taken, or the host is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error}.", "Name another with --port."
        ) from None


def panel_command(root: Path, *, write: bool) -> str:
    """What is started for every page: the shell line of a panel over this workspace."""
    words = [sys.executable, "-m", "bocr_tui.cli.main", "--workspace", str(root)]
    return shlex.join(words if write else [*words, "--readonly"])


def serve_panel(root: Path, host: str, port: int, *, write: bool, ready: Callable[[str], None]) -> None:
    """Serve until interrupted. `ready` is given the address once it is listened on. Raises UsageError."""
    port = free_port(host, port)
    names = frozenset({host, "127.0.0.1", "localhost", "::1"} if is_loopback(host) else {host})
    command = panel_command(root, write=write)
    PanelServer(command, host, port, f"bocr: {root.name}", names, ready).serve()
