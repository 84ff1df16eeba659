"""The keys that assignment tokens and client secrets are made with: this distributor's own, and one of each cluster.

Rule: what is made for a cluster is made with the cluster's key as soon as a manager has told it, so that every
distributor of the cluster can read it; what was made with the own key before stays good here.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from disio_distributor.core.tokens import Token, make_token, read_token
from disio_shared.ranges import Run

KEY_BYTES = 32
MAX_CLUSTERS = 64
"""Keys that are kept; one of a further cluster is not."""
SECRET_BYTES = 32
_SECRET = b"disio client secret\n"


class Read(NamedTuple):
    """A token that some key fits."""

    token: Token
    cluster: str
    """Whose key fits; empty = this distributor's own."""


class Keyring:
    """All keys.

    Args:
        own: This distributor's own key, 32 bytes.
        clusters: Cluster to its key, the first one told first.
    """

    def __init__(self, own: bytes, clusters: Mapping[str, bytes]) -> None:
        self._own, self._clusters = own, dict(clusters)

    def learn(self, cluster: str, key: bytes) -> bool:
        """Take in what a manager told; return whether it is to be kept."""
        if len(key) != KEY_BYTES or self._clusters.get(cluster) == key:
            return False
        if cluster not in self._clusters and len(self._clusters) >= MAX_CLUSTERS:
            return False
        self._clusters[cluster] = key
        return True

    def token(self, cluster: str, task: str, client: str, nonce: str, runs: Sequence[Run]) -> str:
        """Return the token of a batch of a cluster's task."""
        return make_token(self._clusters.get(cluster, self._own), task, client, nonce, runs)

    def read(self, text: str) -> Read | None:
        """Return what a token says and whose key fits; None when none does."""
        for cluster, key in (*self._clusters.items(), ("", self._own)):
            token = read_token(key, text)
            if token is not None:
                return Read(token, cluster)
        return None

    def secret_of(self, client: str) -> str:
        """Return the secret of a client id by the first cluster's key (HMAC-SHA256); empty without any."""
        key = next(iter(self._clusters.values()), None)
        return "" if key is None else _secret(key, client)

    def fits(self, client: str, secret: str) -> bool:
        """Tell whether some distributor of a cluster gave this id this secret."""
        given = secret.encode("utf-8", "surrogatepass")
        keys = self._clusters.values() if client else ()
        return any(hmac.compare_digest(_secret(key, client).encode(), given) for key in keys)


def _secret(key: bytes, client: str) -> str:
    digest = hmac.digest(key, _SECRET + client.encode("utf-8", "surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest[:SECRET_BYTES]).decode("ascii").rstrip("=")
