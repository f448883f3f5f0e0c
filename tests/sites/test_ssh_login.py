"""Logging in: keys, passphrases, codes; the ways to a host; what is asked of a person and what never is."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bocr_tui.sites.asking import QuestionKind
from bocr_tui.sites.transport.base import Link, NeedsPerson, NeverSent
from bocr_tui.sites.transport.ssh.hops import Tuning
from bocr_tui.sites.transport.ssh.transport import SshTransport
from tests.sites.asking import Person
from tests.sites.ssh_double import SshDouble
from tests.sites.sshd import HOST, HOST_KEY_NAME, Sshd, make_key

Make = Callable[..., SshTransport]


def _keygen(*arguments: object) -> str:
    command = ["ssh-keygen", *(str(argument) for argument in arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _me() -> str:
    return getpass.getuser()


def _known_hosts(sshd: Sshd) -> str:
    return (sshd.ssh / "known_hosts").read_text()


# Our keys


def _use_encrypted_key(sshd: Sshd, passphrase: str) -> None:
    make_key(sshd.ssh / "id_ed25519", passphrase)
    shutil.copy(sshd.ssh / "id_ed25519.pub", sshd.folder / "authorized_keys")


async def test_a_passphrase_is_asked_once_and_kept_for_the_next_connection(
    sshd: Sshd, ssh_transport: Make
) -> None:
    _use_encrypted_key(sshd, "correct horse")
    person = Person(passphrase=[["wrong"], ["correct horse"]])
    transport = ssh_transport(sshd.site(), person)
    await transport.place()
    assert len(person.questions) == 2
    assert str(sshd.ssh / "id_ed25519") in person.questions[0].prompts[0].text
    assert "does not open it" in person.questions[1].text
    sshd.kill_connections()
    await _until(lambda: transport.link is Link.WAITING)
    await transport.poll([])
    assert len(person.questions) == 2
    assert b"horse" not in (transport.commands._log.path).read_bytes()


async def test_no_passphrase_is_asked_for_a_key_the_host_would_not_take(
    sshd: Sshd, ssh_transport: Make
) -> None:
    make_key(sshd.ssh / "id_ed25519", "secret")
    person = Person(passphrase=[["secret"]])
    with pytest.raises(NeedsPerson, match="does not let"):
        await ssh_transport(sshd.site(), person).place()
    assert not person.questions


async def test_who_does_not_know_the_passphrase_is_left_in_peace(sshd: Sshd, ssh_transport: Make) -> None:
    _use_encrypted_key(sshd, "forgotten")
    person = Person()
    transport = ssh_transport(sshd.site(), person)
    for _ in range(2):
        with pytest.raises(NeedsPerson, match="A question was not answered"):
            await transport.poll([])
    assert transport.link is Link.PAUSED
    assert len(person.questions) == 1


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """The socket of a running ssh-agent."""
    socket = Path(f"/tmp/bocr-agent-{os.getpid()}")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert process.poll() is None
    yield socket
    process.kill()
    process.wait()
    socket.unlink(missing_ok=True)


def _add_to_agent(agent: Path, key: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(key)], env={"SSH_AUTH_SOCK": str(agent)}, check=True)


async def test_the_agent_opens_what_is_encrypted(sshd: Sshd, ssh_transport: Make, agent: Path) -> None:
    _add_to_agent(agent, make_key(sshd.folder / "held"))
    _use_encrypted_key(sshd, "x")
    shutil.copy(sshd.folder / "held.pub", sshd.folder / "authorized_keys")
    sshd.write_ssh_config()
    config = (sshd.ssh / "config").read_text()
    config = config.replace("IdentityAgent none", f"IdentityAgent {agent}")
    (sshd.ssh / "config").write_text(config)
    with pytest.raises(NeedsPerson):  # IdentitiesOnly: the agent's key is none of those named
        await ssh_transport(sshd.site()).place()
    (sshd.ssh / "config").write_text(config.replace("IdentitiesOnly yes", ""))
    person = Person()
    await ssh_transport(sshd.site(), person).place()
    assert not person.questions


async def test_a_certificate_beside_a_key_lets_us_in(sshd: Sshd, ssh_transport: Make) -> None:
    authority = make_key(sshd.folder / "user_ca")
    (sshd.folder / "authorized_keys").write_text(
        "cert-authority " + (sshd.folder / "user_ca.pub").read_text()
    )
    with pytest.raises(NeedsPerson):
        await ssh_transport(sshd.site()).place()
    _keygen("-s", authority, "-I", "t", "-n", _me(), sshd.ssh / "id_ed25519.pub")
    transport = ssh_transport(sshd.site())
    await transport.place()
    assert transport.link is Link.CONNECTED
    make_key(sshd.ssh / "id_ed25519", "pass")
    _keygen("-s", authority, "-I", "t", "-n", _me(), sshd.ssh / "id_ed25519.pub")
    person = Person(passphrase=[["pass"]])
    await ssh_transport(sshd.site(), person).place()
    assert person.kinds == [QuestionKind.PASSPHRASE]


# Codes and passwords


@pytest_asyncio.fixture
async def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SshDouble]:
    double = SshDouble(tmp_path / "double", code="123456")
    monkeypatch.setenv("BOCR_SSH_FOLDER", str(double.ssh))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    await double.start()
    yield double
    await double.stop()


async def test_a_code_is_asked_for_and_its_question_cannot_act_on_the_screen(
    double: SshDouble, ssh_transport: Make
) -> None:
    person = Person(keyboard=[["123456", "phone"]])
    transport = ssh_transport(double.site(), person)
    await transport.stage({"runs/bcode1": {"a": b"1"}})
    (question,) = person.questions
    assert question.kind is QuestionKind.KEYBOARD
    assert [(prompt.text, prompt.echo) for prompt in question.prompts] == [
        ("Code:", False),
        ("Device name:", True),
    ]
    assert "device" in question.text
    assert "\x1b" not in question.text
    assert (double.home / "site" / "runs" / "bcode1" / "a").read_bytes() == b"1"
    assert b"123456" not in transport.commands._log.path.read_bytes()


async def test_where_a_code_was_needed_nothing_reconnects_by_itself(
    double: SshDouble, ssh_transport: Make
) -> None:
    person = Person(keyboard=[["123456", "phone"]])
    transport = ssh_transport(double.site(), person)
    await transport.poll([])
    await double.stop()
    await double.start()
    await _until(lambda: transport.link is Link.PAUSED)
    logins = double.logins
    for _ in range(3):
        with pytest.raises(NeedsPerson, match="was lost"):
            await transport.poll([])
    assert (len(person.questions), double.logins) == (1, logins)
    await transport.resume()
    assert await transport.poll([]) == []
    assert len(person.questions) == 2


async def test_a_wrong_code_is_asked_for_again_three_times_at_most(
    double: SshDouble, ssh_transport: Make
) -> None:
    person = Person(keyboard=[["000000", "phone"]])
    transport = ssh_transport(double.site(), person)
    with pytest.raises(NeedsPerson, match="does not let"):
        await transport.place()
    assert len(person.questions) == 3
    assert "not accepted" in person.questions[1].text
    assert transport.link is Link.PAUSED


async def test_a_password_is_asked_for_where_the_host_wants_one(
    double: SshDouble, ssh_transport: Make
) -> None:
    double.code, double.password = "", "sesame"
    person = Person(password=[["open"], ["sesame"]])
    transport = ssh_transport(double.site(), person)
    await transport.poll([])
    assert person.kinds == [QuestionKind.PASSWORD] * 2
    await double.stop()
    await _until(lambda: transport.link is Link.PAUSED)


async def test_while_a_person_thinks_no_limit_runs_and_everybody_waits_for_one_question(
    double: SshDouble, ssh_transport: Make
) -> None:
    person = Person(keyboard=[["123456", "phone"]])
    person.thinking = asyncio.Event()
    transport = ssh_transport(double.site(), person, tuning=Tuning(connect_s=1.0))
    polls = [asyncio.create_task(transport.poll([])) for _ in range(5)]
    await _until(lambda: bool(person.questions))
    assert transport.link is Link.CONNECTING
    done, _ = await asyncio.wait(polls, timeout=1.5)
    assert not done
    person.thinking.set()
    assert await asyncio.gather(*polls) == [[]] * 5
    assert len(person.questions) == 1


async def test_a_host_that_hangs_up_while_asking_is_not_tried_again_by_itself(
    double: SshDouble, ssh_transport: Make
) -> None:
    person = Person()
    person.thinking = asyncio.Event()
    transport = ssh_transport(double.site(), person)
    polling = asyncio.create_task(transport.poll([]))
    await _until(lambda: bool(person.questions))
    for connection in list(double.connections):
        connection.abort()
    with pytest.raises(NeedsPerson, match="cannot be reached"):
        await polling
    assert transport.link is Link.PAUSED


# Ways


async def test_a_jump_host_is_opened_by_us_with_its_own_host_key_check(
    sshd: Sshd, ssh_transport: Make
) -> None:
    sshd.write_ssh_config(more=_inner(sshd, "ProxyJump loopback"))
    (sshd.ssh / "known_hosts").write_text(
        _known_hosts(sshd) + _known_hosts(sshd).replace(HOST_KEY_NAME, "in")
    )
    transport = ssh_transport(sshd.site().model_copy(update={"host": "inner"}))
    assert (await transport.place()).root == str(sshd.home / "site")
    assert len(transport._connection._live.hops) == 2  # type: ignore[union-attr]
    (sshd.ssh / "known_hosts").write_text(_known_hosts(sshd).replace(HOST_KEY_NAME, "other-name"))
    with pytest.raises(NeedsPerson, match=f"host key of {HOST} "):
        await ssh_transport(sshd.site().model_copy(update={"host": "inner"})).place()


def _inner(sshd: Sshd, way: str) -> str:
    return (
        f"Host inner\n  HostName 127.0.0.1\n  Port {sshd.port}\n  HostKeyAlias in\n  {way}\n"
        f"  IdentityFile {sshd.ssh}/id_ed25519\n  IdentitiesOnly yes\n  IdentityAgent none\n  User {_me()}\n"
    )


async def test_a_chain_of_jumps_and_a_circle_of_them(sshd: Sshd, ssh_transport: Make) -> None:
    keys = _known_hosts(sshd)
    (sshd.ssh / "known_hosts").write_text(keys + keys.replace(HOST_KEY_NAME, "in"))
    sshd.write_ssh_config(more=_inner(sshd, "ProxyJump loopback,loopback"))
    transport = ssh_transport(sshd.site().model_copy(update={"host": "inner"}))
    await transport.place()
    assert len(transport._connection._live.hops) == 3  # type: ignore[union-attr]
    sshd.write_ssh_config(more=_inner(sshd, "ProxyJump inner"))
    with pytest.raises(NeedsPerson, match="in a circle"):
        await ssh_transport(sshd.site().model_copy(update={"host": "inner"})).place()


async def test_losing_the_jump_host_is_losing_the_site(sshd: Sshd, ssh_transport: Make) -> None:
    keys = _known_hosts(sshd)
    (sshd.ssh / "known_hosts").write_text(keys + keys.replace(HOST_KEY_NAME, "in"))
    sshd.write_ssh_config(more=_inner(sshd, "ProxyJump loopback"))
    transport = ssh_transport(sshd.site().model_copy(update={"host": "inner"}))
    await transport.place()
    transport._connection._live.hops[0].connection.abort()  # type: ignore[union-attr]
    await _until(lambda: transport.link is Link.WAITING)
    assert await transport.poll([]) == []
    assert transport.link is Link.CONNECTED
    assert len(transport._connection._live.hops) == 2  # type: ignore[union-attr]


RELAY = """
import os, socket, sys, threading

link = socket.create_connection((sys.argv[1], int(sys.argv[2])))

def up():
    while data := os.read(0, 65536):
        link.sendall(data)

threading.Thread(target=up, daemon=True).start()
while data := link.recv(65536):
    os.write(1, data)
"""


async def test_a_proxy_command_is_the_way_and_its_chatter_goes_nowhere(
    sshd: Sshd, ssh_transport: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    (sshd.folder / "relay.py").write_text(RELAY)
    sshd.write_ssh_config(f"ProxyCommand sh -c 'echo chatter >&2; python3 {sshd.folder}/relay.py %h %p'")
    transport = ssh_transport(sshd.site())
    await transport.poll([])
    await transport.close()
    assert "chatter" not in "".join(capfd.readouterr())
    sshd.write_ssh_config("ProxyCommand false")
    with pytest.raises(NeverSent):
        await ssh_transport(sshd.site()).poll([])


async def test_match_and_the_sites_own_user_and_port_are_honoured(sshd: Sshd, ssh_transport: Make) -> None:
    (sshd.ssh / "config").write_text(
        f"Match exec true user {_me()}\n  HostKeyAlias {HOST_KEY_NAME}\n"
        f"  IdentityFile {sshd.ssh}/id_ed25519\n  IdentityFile ~/.ssh/there-is-no-such-key\n"
        "Match final\n  Port 1\n"
    )
    site = sshd.site(user=_me(), port=sshd.port).model_copy(update={"host": "127.0.0.1"})
    transport = ssh_transport(site)
    await transport.place()
    assert transport.link is Link.CONNECTED
    with pytest.raises(NeverSent, match="cannot be reached"):  # the port is then the configuration's
        await ssh_transport(site.model_copy(update={"port": None})).place()


async def test_a_configuration_that_does_not_read_well_is_told(sshd: Sshd, ssh_transport: Make) -> None:
    (sshd.ssh / "config").write_text("Host *\n  Port twenty\n")
    transport = ssh_transport(sshd.site())
    with pytest.raises(NeedsPerson, match="line 2"):
        await transport.poll([])
    assert transport.link is Link.PAUSED


async def test_a_host_that_is_not_there_is_tried_again_and_not_asked_about(
    sshd: Sshd, ssh_transport: Make
) -> None:
    sshd.stop()
    person = Person()
    transport = ssh_transport(sshd.site(), person)
    with pytest.raises(NeverSent, match="cannot be reached"):
        await transport.poll([])
    assert transport.link is Link.WAITING
    assert not person.questions
    sshd.start()
    assert await transport.poll([]) == []


async def _until(ready: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not ready():
            await asyncio.sleep(0.01)
