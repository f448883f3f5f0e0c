"""The server that the other tests of SSH stand on."""

from __future__ import annotations

import socket
import subprocess

from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import HOST, Sshd


def _ssh(sshd: Sshd, command: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    known = f"UserKnownHostsFile={sshd.ssh}/known_hosts"
    arguments = ["ssh", "-F", f"{sshd.ssh}/config", "-o", known, "-o", "BatchMode=yes", *options]
    return subprocess.run([*arguments, HOST, command], capture_output=True, timeout=30)


def _ends(link: socket.socket) -> bool:
    """Whether the other end goes away."""
    try:
        while link.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_the_server_lets_us_in_and_has_a_home_of_its_own(sshd: Sshd) -> None:
    done = _ssh(sshd, "cd; pwd; umask 077; mkdir -p site")
    assert done.stdout.decode().strip() == str(sshd.home), done.stderr
    assert (sshd.home / "site").is_dir()


def test_it_can_be_stopped_and_started_on_the_same_port(sshd: Sshd) -> None:
    sshd.stop()
    assert _ssh(sshd, "true").returncode == 255
    sshd.start("MaxSessions 3")
    assert _ssh(sshd, "true").returncode == 0


def test_connections_can_be_killed_while_it_serves_on(sshd: Sshd) -> None:
    with socket.create_connection(("127.0.0.1", sshd.port)) as link:
        assert link.recv(4) == b"SSH-"
        sshd.kill_connections()
        link.settimeout(10)
        assert _ends(link)
    assert _ssh(sshd, "true").returncode == 0


def test_the_link_can_be_cut_after_so_many_bytes(sshd: Sshd, cut_proxy: CutProxy) -> None:
    through = ("-p", str(cut_proxy.port))
    assert len(_ssh(sshd, "head -c 1000000 /dev/zero", *through).stdout) == 1_000_000
    assert cut_proxy.bytes_down > 1_000_000
    cut_proxy.cut_after(down=500_000)
    done = _ssh(sshd, "head -c 1000000 /dev/zero", *through)
    assert done.returncode == 255
    assert len(done.stdout) < 500_000
