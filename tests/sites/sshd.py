"""A real OpenSSH server on loopback, and a link to it that can be cut, delayed and frozen.

The fixtures (`sshd`, `cut_proxy`, `ssh_transport`) are known to every test. The server runs as the
current user, with a home folder, keys and a configuration of its own; our side reads its ssh folder from
BOCR_SSH_FOLDER, so that the developer's own ~/.ssh plays no part.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.asking import Asker, ask_nobody
from tests.sites.cut_proxy import CutProxy

if TYPE_CHECKING:
    from bocr_tui.sites.transport.ssh.transport import SshTransport

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")
HOST = "loopback"
"""The server's name in the ssh configuration of the tests."""
HOST_KEY_NAME = "bocr-test-host"
"""Its name in known_hosts, whatever port leads to it."""


class Sshd:
    """`home` is the home folder of its sessions (put a .bashrc there), `ssh` our ssh folder with `config`,
    `known_hosts` and `id_ed25519`, `environment` what makes bocr use that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.ssh = folder / "home", folder / "ssh"
        for part in (self.home, self.ssh):
            part.mkdir(parents=True, mode=0o700)
        self.port = free_port()
        self.settings: list[str] = []
        self.environment = {"BOCR_SSH_FOLDER": str(self.ssh)}
        self._process: subprocess.Popen[bytes] | None = None
        make_key(folder / "host_key")
        make_key(self.ssh / "id_ed25519")
        shutil.copy(self.ssh / "id_ed25519.pub", folder / "authorized_keys")
        self.trust()
        self.write_ssh_config()

    def trust(self) -> None:
        """Make the server's key known to us."""
        key = (self.folder / "host_key.pub").read_text().split()[:2]
        (self.ssh / "known_hosts").write_text(f"{HOST_KEY_NAME} {' '.join(key)}\n")

    def write_ssh_config(self, *lines: str, more: str = "") -> None:
        """Write our ssh configuration: the host `loopback` with these lines too, and what follows it."""
        own = "".join(f"  {line}\n" for line in lines)
        (self.ssh / "config").write_text(
            f"Host {HOST}\n  HostName 127.0.0.1\n  Port {self.port}\n  User {getpass.getuser()}\n"
            f"  HostKeyAlias {HOST_KEY_NAME}\n  IdentityFile {self.ssh}/id_ed25519\n  IdentitiesOnly yes\n"
            f"  IdentityAgent none\n{own}{more}"
        )

    def site(self, root: str | Path | None = None, via: CutProxy | None = None, **more: Any) -> SiteConfig:
        """A site on this server; `root` is `site` in the server's home unless given, `via` a link to it."""
        if via is not None:
            more["port"] = via.port
        return SiteConfig(transport="ssh", host=HOST, root=str(root or self.home / "site"), **more)

    def start(self, *settings: str) -> None:
        """Start it, on the same port with the same keys each time; `settings` are lines of sshd_config."""
        self.settings = list(settings) or self.settings
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text("\n".join([*self.settings, *self._basics()]) + "\n")
        assert SSHD is not None
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_until_it_listens()

    def _basics(self) -> list[str]:
        # Of two lines that say the same, sshd takes the first: a test's own come before these.
        return [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            f"PidFile {self.folder}/sshd.pid",
            "StrictModes no",
            "UsePAM no",
            "PermitRootLogin yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 100",
            "Subsystem sftp internal-sftp",
            f"SetEnv HOME={self.home}",
        ]

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError((self.folder / "sshd.log").read_text()[-2000:])

    def stop(self) -> None:
        """End it and every connection. What its sessions started may live on, as after a real cut."""
        if self._process is None:
            return
        self.kill_connections()
        self._process.kill()
        self._process.wait()
        self._process = None

    def kill_connections(self) -> None:
        """End every connection at once, without a farewell."""
        assert self._process is not None
        for pid in reversed(sshd_below(self._process.pid)):
            with_suppressed_kill(pid)


def sshd_below(pid: int) -> list[int]:
    """The server's own processes below it, parents first; not what their sessions run."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,comm="], capture_output=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.decode().splitlines()]
    found: list[int] = []
    parents = [pid]
    while parents:
        parent = parents.pop()
        for child, of, command in rows:
            if int(of) == parent and command.startswith("sshd"):
                found.append(int(child))
                parents.append(int(child))
    return found


def with_suppressed_kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_key(path: Path, passphrase: str = "") -> Path:
    """A new ed25519 key pair at `path` and `path`.pub."""
    path.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def sshd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A running server that knows our key, and whose key we know."""
    if SSHD is None or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's server is not installed")
    # Its own short folder: a path below pytest's may be too long for a control socket.
    folder = Path(tempfile.mkdtemp(prefix="bocr-sshd-"))
    server = Sshd(folder)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cut_proxy(sshd: Sshd) -> Iterator[CutProxy]:
    """A link to the server: `sshd.site(via=cut_proxy)` goes through it."""
    proxy = CutProxy("127.0.0.1", sshd.port)
    try:
        yield proxy
    finally:
        proxy.close()


@pytest_asyncio.fixture
async def ssh_transport(tmp_path: Path) -> AsyncIterator[Callable[..., SshTransport]]:
    """Makes transports: `ssh_transport(config, asker=…)`; they are closed in the end."""
    from bocr_tui.sites.transport.ssh.transport import SshTransport

    made: list[SshTransport] = []

    def make(config: SiteConfig, asker: Asker = ask_nobody, **more: Any) -> SshTransport:
        made.append(SshTransport("far", config, asker, tmp_path / "commands.jsonl", **more))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()
