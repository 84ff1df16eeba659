"""The manager, put together: store, core, link, REST, announcement.

Rule: the only place that names concrete parts; what ``start`` opened, ``stop`` closes, in the opposite order.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import web

from disio_manager.aggregating import Aggregating
from disio_manager.api import bulk
from disio_manager.api.attention import attention_body
from disio_manager.api.context import Context
from disio_manager.api.feed import Feed
from disio_manager.api.fleet import Statistics
from disio_manager.api.fleet_view import FleetView
from disio_manager.api.routes import make_app
from disio_manager.api.sharing import Shared
from disio_manager.api.tasks import submit_about
from disio_manager.bulk import Bulks
from disio_manager.chains import Chains
from disio_manager.cluster import Cluster
from disio_manager.config import ManagerSettings
from disio_manager.core.commands import Announce
from disio_manager.core.settings import CoreSettings
from disio_manager.discovery import announcement_of
from disio_manager.grouping import Grouping
from disio_manager.identity import Identity, load_identity
from disio_manager.idling import Idling
from disio_manager.link import LinkSocket, ManagerLink
from disio_manager.locks import FileLock
from disio_manager.operating import Operating
from disio_manager.people.gate import Gate, place_of
from disio_manager.presence import Presence
from disio_manager.recording import Recording
from disio_manager.refusals import Refusals
from disio_manager.service import ManagerService
from disio_manager.signing import key_of
from disio_manager.sites import SiteBook
from disio_manager.stores.base import BlobStore, ManagerStore
from disio_manager.stores.keys import KEPT_S
from disio_manager.stores.opening import open_store
from disio_manager.timing import Timing
from disio_manager.tracing import Tracing
from disio_manager.watching import Watching
from disio_manager.webhooks import Webhooks
from disio_shared.clock import SystemClock
from disio_shared.datadir import ADMIN_TOKEN, DataDir
from disio_shared.errors import StoreUnavailable
from disio_shared.logs import logger
from disio_shared.ports import is_loopback, listen, port_of, url_of

ORPHANS_S = 86_400.0
"""How long an uploaded blob waits for the task that is to name it, and an unfinished one for what is missing."""
TIDY_S = 3600.0
"""How often uploads that nobody goes on with are looked for."""
MAX_LINE = 64 << 10
"""Bytes of a request's first line; a longer one is answered by aiohttp, with 400 and no problem document."""
SHUTDOWN_S = 3.0
"""How long open requests may take to end when the manager stops."""


class ManagerApp:
    """One running manager.

    Args:
        on_failure: Told when a part broke that the manager cannot do without; the log says what.
    """

    def __init__(self, settings: ManagerSettings, on_failure: Callable[[], None] = lambda: None) -> None:
        self.settings, self._on_failure = settings, on_failure
        self.has_failed = False
        self.url = ""
        self.zmq_port = 0
        self.cluster = ""
        """Id of the database."""
        self.data: DataDir
        self.aggregating: Aggregating
        self.gate: Gate
        self.watching: Watching
        self._exits = AsyncExitStack()
        self._log = logger("manager")

    async def start(self) -> str:
        """Serve; return the base URL of the REST interface.

        Raises:
            ConfigError: A setting is wrong.
            InUse: Another manager works on this data directory.
            StoreUnavailable: The database is not there.
        """
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop serving and let go of everything; a second call does nothing."""
        exits, self._exits = self._exits, AsyncExitStack()
        await exits.aclose()

    async def _start(self) -> str:
        settings, exits = self.settings, self._exits
        self.data = DataDir(Path(settings.data_dir) if settings.data_dir else None)
        self._lock()
        identity = load_identity(self.data)
        manager = identity.curve_public.decode()
        store = await open_store(settings.db, self.data.path, manager)
        exits.push_async_callback(store.close)
        await store.blobs.drop_orphans(SystemClock().wall() - ORPHANS_S)
        await store.keys.drop_keys(SystemClock().wall() - KEPT_S)
        listening = listen(settings.host, settings.port)
        exits.callback(listening.close)
        socket = LinkSocket(identity, settings.host)
        exits.callback(socket.close)
        self.zmq_port = socket.bind(settings.zmq_port)
        port = port_of(listening)
        self.url = url_of(settings.host, port)

        presence = Presence(store, manager, self.url, SystemClock())
        context, statistics, link = await self._compose(store, identity, socket, presence)
        service = context.service
        if store.is_shared:
            exits.push_async_callback(presence.leave)  # last of all that writes: others take over at once
        await service.start()
        self._run(service.run())
        if store.is_shared:
            self._run(presence.keep(service.wake))
            self._run(context.managers.run())
            self._run(context.operating.run())
        self._run(link.run(service))
        self._run(context.feed.run())
        self._run(context.sites.run())
        self._run(_tidy(store.blobs))
        self._run(context.webhooks.run())
        self._run(context.chains.run())
        self._run(Idling(service).run())
        self._run(context.aggregating.run())
        self._run(context.gate.run())
        self._run(context.watching.recording.run())
        exits.push_async_callback(context.watching.bulks.stop)
        exits.push_async_callback(context.watching.grouping.stop)
        exits.push_async_callback(context.watching.timing.stop)
        runner = web.AppRunner(
            make_app(context, statistics), access_log=None, shutdown_timeout=SHUTDOWN_S, max_line_size=MAX_LINE
        )
        await runner.setup()
        exits.push_async_callback(runner.cleanup)
        exits.callback(context.feed.close_all)  # before cleanup: open streams would hold it up
        await web.SockSite(runner, listening).start()
        self._publish(port)
        if settings.zeroconf:
            announcement = announcement_of(settings, port, self.zmq_port, context.cluster, manager)
            exits.push_async_callback(announcement.stop)
            await announcement.start()
        return self.url

    async def _compose(
        self, store: ManagerStore, identity: Identity, socket: LinkSocket, presence: Presence
    ) -> tuple[Context, Statistics, ManagerLink]:
        settings, clock = self.settings, SystemClock()
        self.cluster = cluster = await store.cluster_id()
        core_settings = CoreSettings(
            cluster=cluster,
            manager=presence.manager,
            token_key=await store.token_key(),
            is_shared=store.is_shared,
            lease_s=settings.lease_s,
            status_s=settings.status_s,
            max_distributors=settings.distributors_max,
        )

        def announce(command: Announce) -> None:
            webhooks.note(command)
            chains.note(command)
            aggregating.note(command)
            if command.topic != "hooks":
                feed.note(command)
                context.awaiting.note(command)

        self.gate = gate = Gate(store, identity, clock, place_of(settings, self.data.path))
        refusals = Refusals(lambda: feed.note(Announce("fleet")), gate.note_distributor)
        operating, sites = Operating(store, clock), SiteBook(store, clock)
        link = ManagerLink(
            socket,
            identity,
            settings.host,
            settings.status_s,
            refusals,
            operating.message_for,
            sites.take,
        )
        service = ManagerService(
            store,
            core_settings,
            clock,
            link.send,
            announce,
            link.forget_sessions,
            presence if store.is_shared else None,
            operating.load,
        )
        operating.connect(service, link.order)
        statistics = Statistics(service)
        fleet = FleetView(service, refusals, operating)
        feed = Feed(
            store,
            lambda: service.coordinator,
            clock.steady,
            statistics.read,
            fleet.rows,
            lambda: attention_body(context),
        )
        managers = Cluster(service, presence)
        self.aggregating = aggregating = Aggregating(
            store, clock, lambda: service.coordinator.task_views(clock.steady()), managers.is_ours
        )
        webhooks = Webhooks(
            service,
            lambda task, make: submit_about(context, task, make),
            managers.is_ours,
            key_of(identity.webhook_secret),
            settings.webhooks_private or is_loopback(settings.host),
        )
        chains = Chains(service)
        self.watching = watching = Watching(
            Recording(store, clock, lambda: service.coordinator, managers.is_ours),
            Shared(clock.steady),
            Bulks(lambda task, verb: bulk.use(context, task, verb), clock),
            Grouping(store, clock),
            Timing(store, clock),
            self.data.path,
            settings.public_status,
        )
        context = Context(
            service=service,
            identity=identity,
            feed=feed,
            fleet=fleet,
            managers=managers,
            webhooks=webhooks,
            chains=chains,
            aggregating=aggregating,
            tracing=Tracing(store, clock),
            operating=operating,
            sites=sites,
            questions=link.questions,
            gate=gate,
            watching=watching,
            cluster=cluster,
            zmq_port=self.zmq_port,
            is_loopback=is_loopback(settings.host),
        )
        return context, statistics, link

    def _lock(self) -> None:
        lock = FileLock(self.data.path / "manager.lock", self.data.path)
        self._exits.callback(lock.release)

    def _publish(self, port: int) -> None:
        """Tell this machine's other programs where the manager is."""
        facts = {
            "url": self.url,
            "host": self.settings.host,
            "port": port,
            "zmq_port": self.zmq_port,
            "token_file": str(self.data.path / ADMIN_TOKEN),
        }
        self.data.write_service("manager", facts)
        self._exits.callback(self.data.remove_service, "manager")

    def _run(self, part: Coroutine[Any, Any, None]) -> None:
        """Run an endless part until the stop; should it end by itself, the manager has failed."""
        task = asyncio.create_task(part)
        task.add_done_callback(self._note_end)
        self._exits.push_async_callback(_end, task)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():
            return
        error = task.exception() or RuntimeError("a part of the manager ended by itself")
        self._log.critical("the manager broke", exc_info=error)
        self.has_failed = True
        self._on_failure()


async def _tidy(blobs: BlobStore) -> None:
    """Remove uploads that nobody goes on with, for ever."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            await blobs.drop_old_parts(SystemClock().wall() - ORPHANS_S)
        await asyncio.sleep(TIDY_S)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
