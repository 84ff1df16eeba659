"""What the manager tells the local network about itself.

Rule: only what ``GET /api/link`` tells everybody anyway.
"""

import platform

from disio_manager.config import ManagerSettings
from disio_shared.discovery import MANAGER_TYPE, Announcement, interfaces_for
from disio_shared.logs import logger
from disio_shared.messages import PROTOCOL_VERSION


def announcement_of(settings: ManagerSettings, port: int, zmq_port: int, cluster: str, curve_key: str) -> Announcement:
    """Return the announcement of a manager that serves on these ports."""
    texts = {"v": str(PROTOCOL_VERSION), "cluster": cluster, "curve": curve_key, "zmq": str(zmq_port)}
    interfaces = settings.zeroconf_interface or interfaces_for(settings.host)
    log = logger("manager.discovery")
    name = f"disio manager on {platform.node() or 'a machine'}"
    return Announcement(MANAGER_TYPE, name, port, texts, interfaces, lambda trouble: log.warning(trouble))
