"""The cache in a Redis server, for distributors whose machines come and go.

Rule: a commit is one MULTI/EXEC, so it happens as a whole or not at all. A command that was begun is always awaited
to its end, even when its caller is cancelled: an answer left in a connection would go to the next command.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from disio_distributor.core import changes
from disio_distributor.core.changes import Change
from disio_distributor.core.columns import head_of
from disio_distributor.core.records import Attempt, HeldBlock, HeldTask, KnownClient, OutboxEntry, Snapshot
from disio_distributor.stores.bodies import head_bytes, heads_of, packed, unpacked
from disio_distributor.stores.redis_settings import ASKED, durability_of, without_name
from disio_shared.errors import ConfigError, StoreUnavailable
from disio_shared.ids import fresh_id
from disio_shared.messages import Orders, SiteDay

ResultT = TypeVar("ResultT")
RecordT = TypeVar("RecordT")

MAX_CLIENTS = 100_000
SOCKET_TIMEOUT_S = 3.0
"""How long a silent server is waited for, per attempt; a command is attempted twice."""
SCAN = 2_000
"""Entries looked at in one step."""
CALL_TIMEOUT_S = 60.0
"""The longest a whole load or commit may take."""
BESIDE_FROM = 64 << 10
"""Bytes of new entries from which on they are compressed in a thread of their own."""
WorkChange = (
    changes.PutTask
    | changes.DropTask
    | changes.PutBlock
    | changes.DropBlock
    | changes.PutWorkunit
    | changes.DropWorkunit
    | changes.AddAttempt
    | changes.PutCheckpoint
    | changes.DropPayloads
    | changes.PutOrders
    | changes.PutClusterKey
)
_encode = msgspec.msgpack.Encoder().encode


class RedisCache:
    """A DistributorCache in Redis, every key under ``disio:<name or database number>:``."""

    def __init__(self, redis: Redis, prefix: str, place: str) -> None:
        # The driver declares every answer as bytes or str, whichever way it was opened; here they are bytes.
        self._redis: Any = redis
        self._prefix, self._place = prefix, place
        self._under_way: set[asyncio.Future[Any]] = set()

    @classmethod
    async def open(cls, url: str) -> "RedisCache":
        """Connect; ``?name=`` tells several distributors of one database apart.

        Raises:
            ConfigError: The URL is not one that Redis clients know.
            StoreUnavailable: The server does not answer.
        """
        bare, name = without_name(url)
        try:
            redis = Redis.from_url(
                bare,
                socket_timeout=SOCKET_TIMEOUT_S,
                socket_connect_timeout=SOCKET_TIMEOUT_S,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise ConfigError("--cache", f"{url!r}: {error}") from error
        settings = redis.connection_pool.connection_kwargs
        name = name or str(settings.get("db", 0))
        host = settings.get("path") or f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}"
        cache = cls(redis, f"disio:{name}:", f"Redis {host}")
        try:
            await cache._call(cache._prepare())
        except StoreUnavailable:
            await redis.aclose()
            raise
        return cache

    # CoreCache

    async def load(self) -> Snapshot:
        """Return everything."""
        return await self._call(self._load())

    async def commit(self, changes: Sequence[Change]) -> None:
        """Make changes durable, as far as the server's settings go (``durability``)."""
        await self._call(self._commit(changes))

    async def outbox(self, ids: Sequence[int]) -> list[OutboxEntry]:
        """Return those of these entries that are there, by id."""
        if not ids:
            return []
        bodies = await self._call(self._redis.hmget(self._key("outbox"), list(map(str, ids))))
        return await asyncio.to_thread(unpacked, [body for body in bodies if body is not None])

    # ServingCache

    async def workunit(self, sha256: str) -> tuple[str, bytes] | None:
        """Return language and code."""
        body = await self._call(self._redis.hget(self._key("workunits"), sha256))
        return msgspec.msgpack.decode(body, type=tuple[str, bytes]) if body is not None else None

    async def client(self, client: str) -> KnownClient | None:
        """Return a client that was welcomed before."""
        body = await self._call(self._redis.hget(self._key("clients"), client))
        return msgspec.msgpack.decode(body, type=KnownClient) if body is not None else None

    async def put_client(self, client: KnownClient) -> None:
        """Remember a client; the longest unseen go beyond 100,000."""
        await self._call(self._put_client(client))

    async def site_days(self) -> list[SiteDay]:
        """Return what was counted of sites."""
        rows = [_decode(body, SiteDay) for body in await self._call(self._redis.hvals(self._key("site-days")))]
        return sorted(rows, key=lambda row: (row.day, row.site))

    async def put_site_days(self, rows: list[SiteDay], oldest: int) -> None:
        """Keep what was counted of sites, and drop days before ``oldest``."""
        key = self._key("site-days")
        known = [field.decode() for field in await self._call(self._redis.hkeys(key))]
        old = [field for field in known if int(field.partition(":")[0]) < oldest]
        if rows:
            await self._call(self._redis.hset(key, mapping={f"{row.day}:{row.site}": _encode(row) for row in rows}))
        if old:
            await self._call(self._redis.hdel(key, *old))

    async def durability(self) -> str:
        """Return ``full``, or why an acknowledged result may be lost."""
        return await self._call(self._durability())

    async def used_bytes(self) -> int:
        """Return the memory of the whole server: Redis knows no cheap figure for a part of it."""
        info = await self._call(self._redis.info("memory"))
        return int(info["used_memory"])

    async def room(self) -> int:
        """Return what is left below ``maxmemory``, or of the server's memory where no such limit is set."""
        info = await self._call(self._redis.info("memory"))
        limit = int(info.get("maxmemory", 0)) or int(info["total_system_memory"])
        return max(0, limit - int(info["used_memory"]))

    async def close(self) -> None:
        """Finish what is under way and close the connections."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=SOCKET_TIMEOUT_S)
        await self._redis.aclose()

    # Parts

    async def _call(self, work: Awaitable[ResultT]) -> ResultT:
        doing = asyncio.ensure_future(asyncio.wait_for(work, CALL_TIMEOUT_S))
        self._under_way.add(doing)
        doing.add_done_callback(self._ended)
        try:
            return await asyncio.shield(doing)
        except (RedisError, OSError, TimeoutError) as error:
            problem = str(error) or type(error).__name__
            raise StoreUnavailable(self._place, problem, "start the server, or use sqlite:PATH") from error

    def _ended(self, doing: asyncio.Future[Any]) -> None:
        self._under_way.discard(doing)
        if not doing.cancelled():
            doing.exception()  # of a cancelled caller nobody else asks for it

    def _key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    async def _prepare(self) -> None:
        meta = self._key("meta")
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(meta, "distributor_id", fresh_id())
            pipeline.hsetnx(meta, "token_key", secrets.token_bytes(32))
            await pipeline.execute()
        await self._give_heads()

    async def _give_heads(self) -> None:
        """Bring an outbox from before there were heads up to date."""
        outbox, heads = self._key("outbox"), self._key("outbox-heads")
        if await self._redis.hlen(outbox) == await self._redis.hlen(heads):
            return
        known = {number async for number, _ in self._redis.hscan_iter(heads, count=SCAN)}
        old = [number async for number, _ in self._redis.hscan_iter(outbox, count=SCAN) if number not in known]
        for start in range(0, len(old), SCAN):
            bodies = await self._redis.hmget(outbox, old[start : start + SCAN])
            for entry in unpacked(body for body in bodies if body is not None):
                await self._redis.hset(heads, str(entry.id), head_bytes(head_of(entry, manager="")))

    async def _cluster_keys(self) -> dict[str, bytes]:
        names = await self._redis.zrange(self._key("clusters"), 0, -1)
        keys = await self._redis.hgetall(self._key("cluster-keys"))
        return {name.decode(): keys[name] for name in names if name in keys}

    async def _load(self) -> Snapshot:
        meta = await self._redis.hgetall(self._key("meta"))
        if not meta:  # the server lost everything
            await self._prepare()
            meta = await self._redis.hgetall(self._key("meta"))
        tasks = [_decode(body, HeldTask) for body in await self._redis.hvals(self._key("tasks"))]
        # In steps: a large answer would keep the server from everybody else.
        heads = {number: head async for number, head in self._redis.hscan_iter(self._key("outbox-heads"), count=SCAN)}
        snapshot = Snapshot(
            distributor_id=meta[b"distributor_id"].decode(),
            token_key=meta[b"token_key"],
            tasks=tasks,
            outbox=heads_of(heads.values()),
            workunits=[key.decode() for key in await self._redis.hkeys(self._key("workunits"))],
            cluster_keys=await self._cluster_keys(),
            orders={
                cluster.decode(): _decode(body, Orders)
                for cluster, body in (await self._redis.hgetall(self._key("orders"))).items()
            },
        )
        for task in tasks:
            await self._load_task(task.manifest.task, snapshot)
        return snapshot

    async def _load_task(self, task: str, into: Snapshot) -> None:
        payloads = await self._redis.hgetall(self._key("payloads", task))
        for name, body in (await self._redis.hgetall(self._key("blocks", task))).items():
            block = _decode(body, HeldBlock)
            if name in payloads:
                block.payloads = msgspec.msgpack.decode(payloads[name], type=list[bytes])
            into.blocks.append(block)
        attempts = [_decode(body, Attempt) for body in await self._redis.hvals(self._key("attempts", task))]
        into.attempts.extend(sorted(attempts, key=lambda each: (each.index, each.number)))
        states = await self._redis.hgetall(self._key("checkpoints", task))
        if states:
            into.checkpoints[task] = {int(index): state for index, state in states.items()}

    async def _commit(self, asked: Sequence[Change]) -> None:
        attempts = await self._attempts_in_the_way(asked)
        bodies = await _bodies([change for change in asked if isinstance(change, changes.AddOutbox)])
        async with self._redis.pipeline(transaction=True) as pipeline:
            for change in asked:
                if isinstance(change, changes.AddOutbox | changes.DropOutbox):
                    self._add_outbox(pipeline, change, bodies)
                else:
                    self._add(pipeline, change, attempts)
            await pipeline.execute()

    async def _attempts_in_the_way(self, asked: Sequence[Change]) -> dict[tuple[str, int], list[str]]:
        """Return by task and index the fields of attempts, stored or about to be, of tasks that drop payloads."""
        tasks = {each.task for each in asked if isinstance(each, changes.DropPayloads)}
        fields: dict[tuple[str, int], list[str]] = {}
        for task in tasks:
            for field in await self._redis.hkeys(self._key("attempts", task)):
                fields.setdefault((task, int(field.partition(b":")[0])), []).append(field.decode())
        for each in asked:
            if isinstance(each, changes.AddAttempt) and each.attempt.task in tasks:
                attempt = each.attempt
                fields.setdefault((attempt.task, attempt.index), []).append(_field(attempt))
        return fields

    def _add_outbox(
        self, pipeline: Pipeline, change: changes.AddOutbox | changes.DropOutbox, bodies: dict[int, bytes]
    ) -> None:
        outbox, heads = self._key("outbox"), self._key("outbox-heads")
        if isinstance(change, changes.AddOutbox):
            number = str(change.entry.id)
            pipeline.hset(outbox, number, bodies[change.entry.id])
            pipeline.hset(heads, number, head_bytes(change.head))
        elif change.ids:
            numbers = list(map(str, change.ids))
            pipeline.hdel(outbox, *numbers)
            pipeline.hdel(heads, *numbers)

    def _add(self, pipeline: Pipeline, change: WorkChange, attempts: dict[tuple[str, int], list[str]]) -> None:
        if isinstance(change, changes.PutTask | changes.DropTask):
            self._add_task(pipeline, change)
        elif isinstance(change, changes.PutBlock | changes.DropBlock):
            self._add_block(pipeline, change)
        elif isinstance(change, changes.PutWorkunit):
            pipeline.hset(self._key("workunits"), change.sha256, _encode((change.language, change.code)))
        elif isinstance(change, changes.DropWorkunit):
            pipeline.hdel(self._key("workunits"), change.sha256)
        elif isinstance(change, changes.PutClusterKey):
            # By when each was first told, which a hash does not keep.
            pipeline.zadd(self._key("clusters"), {change.cluster: time.time()}, nx=True)
            pipeline.hset(self._key("cluster-keys"), change.cluster, change.key)
        elif isinstance(change, changes.PutOrders):
            pipeline.hset(self._key("orders"), change.cluster, _encode(change.orders))
        else:
            self._add_payload(pipeline, change, attempts)

    def _add_task(self, pipeline: Pipeline, change: changes.PutTask | changes.DropTask) -> None:
        if isinstance(change, changes.PutTask):
            pipeline.hset(self._key("tasks"), change.task.manifest.task, _encode(change.task))
            return
        pipeline.hdel(self._key("tasks"), change.task)
        pipeline.delete(*(self._key(kind, change.task) for kind in ("blocks", "payloads", "attempts", "checkpoints")))

    def _add_block(self, pipeline: Pipeline, change: changes.PutBlock | changes.DropBlock) -> None:
        if isinstance(change, changes.DropBlock):
            pipeline.hdel(self._key("blocks", change.task), change.block)
            pipeline.hdel(self._key("payloads", change.task), change.block)
            return
        block = change.block
        body = _encode(msgspec.structs.replace(block, payloads=[]))
        pipeline.hset(self._key("blocks", block.task), block.block, body)
        if block.payloads:
            pipeline.hset(self._key("payloads", block.task), block.block, _encode(block.payloads))

    def _add_payload(
        self,
        pipeline: Pipeline,
        change: changes.AddAttempt | changes.PutCheckpoint | changes.DropPayloads,
        attempts: dict[tuple[str, int], list[str]],
    ) -> None:
        if isinstance(change, changes.AddAttempt):
            attempt = change.attempt
            pipeline.hset(self._key("attempts", attempt.task), _field(attempt), _encode(attempt))
        elif isinstance(change, changes.PutCheckpoint):
            pipeline.hset(self._key("checkpoints", change.task), str(change.index), change.state)
        elif change.indexes:
            pipeline.hdel(self._key("checkpoints", change.task), *map(str, change.indexes))
            fields = [field for index in change.indexes for field in attempts.get((change.task, index), ())]
            if fields:
                pipeline.hdel(self._key("attempts", change.task), *fields)

    async def _put_client(self, client: KnownClient) -> None:
        bodies, seen = self._key("clients"), self._key("clients-by-last-seen")
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(bodies, client.id, _encode(client))
            pipeline.zadd(seen, {client.id: client.last_seen})
            pipeline.zcard(seen)
            *_, known = await pipeline.execute()
        if known > MAX_CLIENTS:
            longest_unseen = await self._redis.zpopmin(seen, known - MAX_CLIENTS)
            await self._redis.hdel(bodies, *(name for name, _ in longest_unseen))

    async def _durability(self) -> str:
        try:
            answer = await self._redis.config_get(*ASKED)
        except ResponseError as refusal:
            return f"this Redis does not tell whether it writes every command to its disk ({refusal})"
        return durability_of(answer)


async def _bodies(added: Sequence[changes.AddOutbox]) -> dict[int, bytes]:
    """Return the bodies of entries by id; large ones are made beside the event loop."""

    def make() -> dict[int, bytes]:
        return {change.entry.id: packed(change.entry) for change in added}

    return make() if sum(change.head.bytes for change in added) < BESIDE_FROM else await asyncio.to_thread(make)


def _decode(body: bytes, kind: type[RecordT]) -> RecordT:
    return msgspec.msgpack.decode(body, type=kind)


def _field(attempt: Attempt) -> str:
    return f"{attempt.index}:{attempt.number}"
