"""Numbers for Prometheus.

Rule: numbers are read when they are asked for; the hot path counts nothing twice.
"""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from disio_distributor.clients import ClientLink
from disio_distributor.core.stats import Stats

_GAUGES = {
    "slots": "Units that the clients run at a time",
    "rate": "Results a second, lately",
    "space": "Share of the cache's space that is used, 0 to 1",
    "outbox_entries": "Messages of clients whose results no manager has committed yet",
    "outbox_results": "Results and failures no manager has committed yet",
    "outbox_bytes": "Bytes of them",
    "held_payloads": "Open payloads held here",
    "assigned_payloads": "Payloads at clients",
    "blocks": "Blocks held",
    "tasks": "Tasks known",
}


class Metrics(Collector):
    """One distributor's metrics.

    Args:
        stats: The core's numbers; None while it waits for its cache.
        clients: The client link.
        managers: URL to whether its link is online.
    """

    def __init__(
        self, stats: Callable[[], Stats | None], clients: ClientLink, managers: Callable[[], Mapping[str, bool]]
    ) -> None:
        self._stats, self._clients, self._managers = stats, clients, managers
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> tuple[bytes, str]:
        """Return all metrics and their content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterable[Metric]:
        """Yield every metric."""
        stats = self._stats()
        yield GaugeMetricFamily("disio_distributor_clients", "Welcomed clients", value=self._clients.count)
        yield CounterMetricFamily("disio_distributor_messages", "Messages of clients", value=self._clients.messages_in)
        yield CounterMetricFamily(
            "disio_distributor_peers_dropped", "Peers dropped for breaking a rule", value=self._clients.refused
        )
        yield CounterMetricFamily(
            "disio_distributor_turned_away", "Clients for whom there was no place", value=self._clients.turned_away
        )
        online = sum(self._managers().values())
        yield GaugeMetricFamily("disio_distributor_managers_online", "Manager links that are up", value=online)
        yield GaugeMetricFamily(
            "disio_distributor_cache_up", "Whether the cache answers", value=float(stats is not None)
        )
        if stats is not None:
            for name, meaning in _GAUGES.items():
                yield GaugeMetricFamily(f"disio_distributor_{name}", meaning, value=getattr(stats, name))
