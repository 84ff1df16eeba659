"""Settings of the manager.

Rule: every field is a flag of ``disio manager start``, an environment variable and a line of ``disio.toml`` alike.
"""

import msgspec

DEFAULT_PORT = 8700
DEFAULT_ZMQ_PORT = 8701


class ManagerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose."""

    host: str = "127.0.0.1"
    """Address that REST and the link bind."""
    port: int = DEFAULT_PORT
    """REST; the next free one when taken, 0 = any."""
    zmq_port: int = DEFAULT_ZMQ_PORT
    """Link to the distributors; the next free one when taken, 0 = any."""
    db: str = ""
    """Database URL; empty = SQLite in the data directory."""
    data_dir: str = ""
    """Empty = the user's place for application data."""
    distributors_max: int = 0
    """Distributors that may be online at a time; 0 = any number."""
    zeroconf: bool = True
    """Announce the manager on the local network."""
    zeroconf_interface: list[str] = []
    """IPv4 addresses to announce on; empty = follows ``host``."""
    lease_s: float = 60.0
    """Seconds a block stays leased without a sign of life of its distributor."""
    status_s: float = 10.0
    """Seconds between a distributor's signs of life; its session ends after three times that in silence."""
    webhooks_private: bool = False
    """Webhooks may lead to this machine and to private networks; so they may when only this machine is served."""
    public_status: bool = False
    """Anybody may see what is computed, at ``/status``: the numbers of the platform and its public tasks."""
    log_level: str = "info"
    json: bool = False
    """Machine-readable ready line and logs."""
