"""One host on the way: reached, believed, logged in to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncssh

from bocr_tui.sites.asking import Prompt, QuestionKind
from bocr_tui.sites.transport.base import NeedsPerson, NeverSent, TransportLost
from bocr_tui.sites.transport.ssh.authentication import Client
from bocr_tui.sites.transport.ssh.host_keys import KnownHosts, fingerprint, known_names, remember
from bocr_tui.sites.transport.ssh.identities import Identities, Opened
from bocr_tui.sites.transport.ssh.proxy_command import ProxyCommand
from bocr_tui.sites.transport.ssh.questions import Clock, Questions
from bocr_tui.sites.transport.ssh.settings import HostSettings
from bocr_tui.sites.transport.ssh.words import plain_words

CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Galois counter mode before the others: twice their throughput."""

HOST_KEY_KINDS = "+ssh-ed25519,ecdsa-sha2-*,rsa-sha2-*"
"""After the kinds that known_hosts has of a host, all the others: a host that has none of those shows its key
instead of hanging up, and can be told to have changed."""

CLOSE_S = 2.0
"""How long a farewell may take."""

Lost = Callable[[Exception | None], None]


@dataclass(frozen=True)
class Tuning:
    """`keepalive_s` and `keepalive_count`: a peer that answers none of so many in a row is gone.
    `connect_s` is how long each host on the way may take to let us in, without the time a person takes."""

    keepalive_s: float = 15.0
    keepalive_count: int = 3
    connect_s: float = 45.0


@dataclass
class Hop:
    """A connection and what has to be closed with it."""

    connection: asyncssh.SSHClientConnection
    proxy: ProxyCommand | None = None

    async def close(self) -> None:
        self.connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.connection.wait_closed()
        if self.proxy is not None:
            await asyncio.to_thread(self.proxy.close)


class HopOpener:
    """Opens hops for one attempt to connect. Raises NeverSent when a host cannot be reached, NeedsPerson
    when it can and something is in the way that a person has to see to."""

    def __init__(self, tuning: Tuning, clock: Clock, questions: Questions, opened: Opened) -> None:
        self._tuning, self._clock, self._questions, self._opened = tuning, clock, questions, opened

    async def open(self, settings: HostSettings, tunnel: Hop | None, lost: Lost) -> Hop:
        for _ in range(2):  # once more when a new host's key was accepted
            known = await asyncio.to_thread(self._known_hosts, settings)
            hop = await self._try(settings, known, tunnel, lost)
            if hop is not None:
                return hop
        raise NeedsPerson(
            f"{settings.name} shows another host key each time it is asked.",
            "Ask its administrators what is wrong.",
        )

    @staticmethod
    def _known_hosts(settings: HostSettings) -> KnownHosts:
        return KnownHosts(settings.known_hosts, known_names(settings.host, settings.port, settings.alias))

    async def _try(
        self, settings: HostSettings, known: KnownHosts, tunnel: Hop | None, lost: Lost
    ) -> Hop | None:
        """None when the host's key was new and somebody has accepted it."""
        identities = Identities(settings, self._opened, self._questions)
        client = Client(settings, known, identities, self._questions, lost)
        proxy = None
        try:
            async with self._clock.limit():
                if tunnel is None and settings.proxy_command:
                    proxy = await asyncio.to_thread(ProxyCommand, settings.proxy_command)
                connection = await self._connect(settings, known, client, tunnel, proxy)
                return Hop(connection, proxy)
        except BaseException as error:
            if proxy is not None:
                await asyncio.shield(asyncio.to_thread(proxy.close))
            if not isinstance(error, (asyncssh.Error, OSError, ValueError)):
                raise
            if isinstance(error, asyncssh.HostKeyNotVerifiable) or _is_about_host_key(error):
                await self._judge_host_key(settings, known, client, error)
                return None
            raise _explain(error, settings, self._clock.limit_s, self._questions) from error
        finally:
            identities.close()

    async def _connect(
        self,
        settings: HostSettings,
        known: KnownHosts,
        client: Client,
        tunnel: Hop | None,
        proxy: ProxyCommand | None,
    ) -> asyncssh.SSHClientConnection:
        choices: dict[str, Any] = {}
        if not settings.ciphers_chosen:
            choices["encryption_algs"] = CIPHERS
        if not settings.host_key_kinds_chosen:
            choices["server_host_key_algs"] = HOST_KEY_KINDS
        if proxy is not None:
            choices["sock"] = proxy.socket
        return await asyncssh.connect(
            settings.name,
            settings.port,
            username=settings.user,
            config=list(settings.config),
            tunnel=tunnel.connection if tunnel is not None else None,
            proxy_command=None,
            client_factory=lambda: client,
            known_hosts=known.match,
            host_key_alias=settings.alias or None,
            client_keys=None,
            client_certs=[],
            agent_path=None,
            agent_identities=None,
            agent_forwarding=False,
            x11_forwarding=False,
            request_pty=False,
            send_env=None,
            compression_algs=None,
            x509_trusted_certs=None,
            x509_trusted_cert_paths=[],
            keepalive_interval=self._tuning.keepalive_s,
            keepalive_count_max=self._tuning.keepalive_count,
            login_timeout=0,
            connect_timeout=None,
            **choices,
        )

    async def _judge_host_key(
        self, settings: HostSettings, known: KnownHosts, client: Client, error: Exception
    ) -> None:
        """Returns when a new host's key was accepted and written down."""
        shown = client.offered
        if known.keys:
            raise _changed(settings, known, shown)
        if shown is None or shown in known.revoked or known.authorities:
            raise NeedsPerson(
                f"{settings.name} cannot prove that it is itself: {plain_words(str(error))}.",
                "Ask its administrators for its host key and put that into known_hosts.",
            )
        answer = await self._questions.ask(
            QuestionKind.HOST_KEY,
            f"Is this {settings.name}?",
            f"Nothing is known yet of {settings.host} (port {settings.port}). Its {shown.get_algorithm()} key"
            f" has the fingerprint\n{fingerprint(shown)}\n"
            "Compare it with the one that its administrators give.",
            (Prompt("Type yes to believe it from now on", echo=True),),
        )
        if answer is None or answer[0].strip().lower() != "yes":
            raise NeedsPerson(
                f"The host key of {settings.name} ({fingerprint(shown)}) has not been accepted.",
                "Compare that fingerprint with the one that its administrators give. To accept it, run"
                f" `bocr doctor {self._questions.site}`, or `ssh {settings.name}`, in a terminal and answer"
                " yes.",
            )
        try:
            await asyncio.to_thread(remember, settings.known_hosts[0], known.names[0], shown)
        except OSError as problem:
            raise NeedsPerson(
                f"{settings.known_hosts[0]} cannot be written: {problem.strerror or problem}.",
                "Mend its permissions.",
            ) from problem


def _is_about_host_key(error: Exception) -> bool:
    """Whether the host has no key of the kinds that known_hosts has of it."""
    return isinstance(error, asyncssh.KeyExchangeFailed) and "host key" in str(error)


def _changed(settings: HostSettings, known: KnownHosts, shown: asyncssh.SSHKey | None) -> NeedsPerson:
    line = known.keys[0]
    now = f"now shows {fingerprint(shown)}" if shown is not None else "shows no key of a kind known before"
    return NeedsPerson(
        f"The host key of {settings.name} has changed: {line.path} line {line.line_number} says"
        f" {fingerprint(line.key)}, the host {now}. Somebody may be listening in.",
        "Ask its administrators. If they changed the key, remove that line and connect again.",
    )


def _explain(error: Exception, settings: HostSettings, limit_s: float, questions: Questions) -> Exception:
    """What it means that a host could not be connected to."""
    words = plain_words(str(error))
    if isinstance(error, TimeoutError):
        failed: TransportLost | NeedsPerson = NeverSent(
            f"{settings.name} did not answer within {limit_s:.0f} s.", "It is tried again by itself."
        )
    elif isinstance(error, asyncssh.PermissionDenied) or "authentication failures" in words.lower():
        declined = " A question was not answered." if questions.declined else ""
        return NeedsPerson(
            f"{settings.name} does not let {settings.user} in.{declined}",
            f"See that `ssh {settings.name}` works, then connect again.",
        )
    elif isinstance(error, (ValueError, asyncssh.KeyExchangeFailed)):
        return NeedsPerson(f"{settings.name} cannot be connected to: {words}.", "Mend the ssh configuration.")
    else:
        failed = NeverSent(f"{settings.name} cannot be reached: {words}.", "It is tried again by itself.")
    if questions.asked - {QuestionKind.HOST_KEY}:
        # Trying again by itself would put the same question before a person again and again.
        return NeedsPerson(failed.cause, "Connect again when you can answer.")
    return failed
