"""An SSH server in this process: for what OpenSSH cannot be made to do, such as asking for codes or lying."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh

from bocr_tui.config.model import SiteConfig

Process = asyncssh.SSHServerProcess[bytes]
Answering = Callable[[Process], Awaitable[None]]


class Guard(asyncssh.SSHServer):
    """Lets in whoever answers `code` to a question and, where there is one, gives the password."""

    def __init__(self, double: SshDouble) -> None:
        self._double = double

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._double.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        self._double.logins += 1
        return bool(self._double.code or self._double.password)

    def password_auth_supported(self) -> bool:
        return bool(self._double.password)

    def validate_password(self, username: str, password: str) -> bool:
        return password == self._double.password

    def kbdint_auth_supported(self) -> bool:
        return bool(self._double.code)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "Two factors", "Look at your \x1b[31mdevice", "", [("Code: ", False), ("Device name: ", True)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return list(responses) == [self._double.code, "phone"]


class SshDouble:
    """`code` and `password` are what it asks for; none: everybody comes in. `answering` replaces the shell
    that runs commands."""

    def __init__(self, folder: Path, *, code: str = "", password: str = "") -> None:
        self.ssh, self.home = folder / "ssh", folder / "home"
        self.ssh.mkdir(parents=True)
        self.home.mkdir()
        self.code, self.password = code, password
        self.logins = 0
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.answering: Answering = self.run_shell
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.port = 0

    async def start(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self.key],
            server_factory=lambda: Guard(self),
            process_factory=self._process,
            encoding=None,
        )
        self.port = self._acceptor.get_port()
        self.trust()

    def trust(self) -> None:
        """Make its key known to us."""
        words = self.key.export_public_key().split()[:2]
        (self.ssh / "known_hosts").write_bytes(b"[127.0.0.1]:%d %s\n" % (self.port, b" ".join(words)))

    async def stop(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            for connection in self.connections:
                connection.abort()
            self.connections.clear()
            await self._acceptor.wait_closed()
            self._acceptor = None

    def site(self, **more: Any) -> SiteConfig:
        root = str(self.home / "site")
        return SiteConfig(transport="ssh", host="127.0.0.1", user="u", port=self.port, root=root, **more)

    async def _process(self, process: Process) -> None:
        try:
            await self.answering(process)
        except (asyncssh.Error, OSError):
            return
        finally:
            if not process.is_closing():
                process.exit(0)

    async def run_shell(self, process: Process) -> None:
        """Do what was asked for, as a login node does."""
        assert process.command is not None
        child = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            process.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"HOME": str(self.home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            cwd=self.home,
        )
        out, err = await child.communicate(await process.stdin.read())
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(child.returncode or 0)
