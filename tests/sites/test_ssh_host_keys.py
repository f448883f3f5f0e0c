"""Host keys: shown and accepted once, changed ones refused, never waved through."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from bocr_tui.sites.asking import QuestionKind
from bocr_tui.sites.transport.base import Link, NeedsPerson
from bocr_tui.sites.transport.ssh.transport import SshTransport
from tests.sites.asking import Person
from tests.sites.sshd import HOST, HOST_KEY_NAME, Sshd, make_key

Make = Callable[..., SshTransport]


def _keygen(*arguments: object) -> str:
    command = ["ssh-keygen", *(str(argument) for argument in arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _known_hosts(sshd: Sshd) -> str:
    return (sshd.ssh / "known_hosts").read_text()


async def test_a_new_hosts_key_is_shown_and_written_down_after_a_yes(sshd: Sshd, ssh_transport: Make) -> None:
    (sshd.ssh / "known_hosts").write_text("elsewhere ssh-ed25519 AAAA\nnonsense")
    person = Person(host_key=[["yes"]])
    await ssh_transport(sshd.site(), person).place()
    shown = _keygen("-l", "-f", sshd.folder / "host_key.pub").split()[1]
    assert shown.startswith("SHA256:")
    assert shown in person.questions[0].text
    assert _known_hosts(sshd).startswith(
        f"elsewhere ssh-ed25519 AAAA\nnonsense\n{HOST_KEY_NAME} ssh-ed25519 "
    )
    again = Person()
    await ssh_transport(sshd.site(), again).place()
    assert not again.questions


async def test_the_time_a_person_takes_to_answer_is_kept_apart(sshd: Sshd, ssh_transport: Make) -> None:
    (sshd.ssh / "known_hosts").unlink()
    person = Person(host_key=[["yes"]])
    person.thinking = asyncio.Event()
    transport = ssh_transport(sshd.site(), person)
    assert transport.asked_s == 0
    began_s = time.monotonic()
    connecting = asyncio.create_task(transport.place())
    while not person.questions:
        await asyncio.sleep(0.01)
    thinks_s = 0.2
    asyncio.get_running_loop().call_later(thinks_s, person.thinking.set)
    await connecting
    assert thinks_s <= transport.asked_s < time.monotonic() - began_s


@pytest.mark.parametrize("answer", [[["no"]], [[""]], []])
async def test_without_a_yes_nothing_is_believed_and_nothing_tried_again(
    sshd: Sshd, ssh_transport: Make, answer: list[list[str]]
) -> None:
    (sshd.ssh / "known_hosts").unlink()
    person = Person(host_key=answer)
    transport = ssh_transport(sshd.site(), person)
    for _ in range(3):
        with pytest.raises(NeedsPerson, match="has not been accepted"):
            await transport.poll([])
    assert transport.link is Link.PAUSED
    assert len(person.questions) == 1
    assert not (sshd.ssh / "known_hosts").exists()
    person._answers[QuestionKind.HOST_KEY] = [["yes"]]
    await transport.resume()
    assert transport.link is Link.CONNECTED
    assert (sshd.ssh / "known_hosts").stat().st_mode & 0o777 == 0o600


async def test_a_changed_key_is_refused_and_names_the_line(sshd: Sshd, ssh_transport: Make) -> None:
    other = make_key(sshd.folder / "other").with_suffix(".pub").read_text().split()[:2]
    (sshd.ssh / "known_hosts").write_text(f"# ours\n{HOST_KEY_NAME} {' '.join(other)}\n")
    person = Person(host_key=[["yes"]])
    with pytest.raises(NeedsPerson, match=r"known_hosts line 2 says SHA256:.*the host now shows SHA256:"):
        await ssh_transport(sshd.site(), person).place()
    assert not person.questions, "nobody can wave a changed key through"
    assert "other" not in _known_hosts(sshd)


async def test_a_key_of_another_kind_than_the_known_one_is_refused_too(
    sshd: Sshd, ssh_transport: Make
) -> None:
    _keygen("-t", "ecdsa", "-N", "", "-f", sshd.folder / "ecdsa")
    words = (sshd.folder / "ecdsa.pub").read_text().split()[:2]
    (sshd.ssh / "known_hosts").write_text(f"{HOST_KEY_NAME} {' '.join(words)}\n")
    with pytest.raises(NeedsPerson, match="line 1 says SHA256"):
        await ssh_transport(sshd.site(), Person(host_key=[["yes"]])).place()


async def test_a_revoked_key_is_refused(sshd: Sshd, ssh_transport: Make) -> None:
    key = " ".join((sshd.folder / "host_key.pub").read_text().split()[:2])
    (sshd.ssh / "known_hosts").write_text(f"@revoked * {key}\n")
    with pytest.raises(NeedsPerson, match="cannot prove"):
        await ssh_transport(sshd.site(), Person(host_key=[["yes"]])).place()


async def test_checking_cannot_be_switched_off(sshd: Sshd, ssh_transport: Make) -> None:
    for value in ("none", "/dev/null"):
        sshd.write_ssh_config(f"UserKnownHostsFile {value}", "StrictHostKeyChecking no")
        with pytest.raises(NeedsPerson, match="UserKnownHostsFile none"):
            await ssh_transport(sshd.site()).place()


async def test_a_key_known_for_the_address_proves_nothing_about_the_name(
    sshd: Sshd, ssh_transport: Make
) -> None:
    key = " ".join((sshd.folder / "host_key.pub").read_text().split()[:2])
    (sshd.ssh / "known_hosts").write_text(f"127.0.0.1,[127.0.0.1]:{sshd.port} {key}\n")
    with pytest.raises(NeedsPerson, match="has not been accepted"):
        await ssh_transport(sshd.site(), Person()).place()


async def test_files_named_by_the_configuration_and_hashed_names_are_read(
    sshd: Sshd, ssh_transport: Make
) -> None:
    named = sshd.folder / f"known-{HOST}"
    shutil.copy(sshd.ssh / "known_hosts", named)
    _keygen("-H", "-f", named)
    assert HOST_KEY_NAME not in named.read_text()
    (sshd.ssh / "known_hosts").unlink()
    sshd.write_ssh_config(f"UserKnownHostsFile {sshd.folder}/known-%n")
    transport = ssh_transport(sshd.site())
    await transport.place()
    assert transport.link is Link.CONNECTED
    named.write_text("")
    with pytest.raises(NeedsPerson, match="has not been accepted"):
        await ssh_transport(sshd.site(), Person()).place()


async def test_a_certified_host_is_believed(sshd: Sshd, ssh_transport: Make) -> None:
    authority = make_key(sshd.folder / "ca")
    key = sshd.folder / "host_key.pub"
    _keygen("-s", authority, "-I", "t", "-h", "-n", HOST_KEY_NAME, key)
    sshd.stop()
    sshd.start(f"HostCertificate {sshd.folder}/host_key-cert.pub")
    words = " ".join((sshd.folder / "ca.pub").read_text().split()[:2])
    known = sshd.ssh / "known_hosts"
    known.write_text(f"@cert-authority {HOST_KEY_NAME} {words}\n")
    transport = ssh_transport(sshd.site())
    await transport.place()
    assert transport.link is Link.CONNECTED
    known.write_text(f"@cert-authority another-name {words}\n")
    with pytest.raises(NeedsPerson, match="cannot prove that it is itself"):
        await ssh_transport(sshd.site(), Person()).place()
