"""Every message of the client link (Socket.IO) and of the manager link (ZeroMQ).

Rule: one tagged union per direction and link; unknown fields are ignored, unknown types are refused, values travel
as ``bytes`` in the form of ``disio_shared.values``. Batches are columns (parallel lists), not lists of objects.
docs/protocol.md tells when each one is sent; tests/contract/samples holds a golden sample of each.
"""

from disio_shared.client_messages import (
    Assign,
    Cancel,
    Checkpoint,
    Failed,
    FromClient,
    Hello,
    Idle,
    Pause,
    Progress,
    Ready,
    Redirect,
    Release,
    Results,
    Resume,
    Stored,
    ToClient,
    Welcome,
)
from disio_shared.codec import MAX_CLIENT_MESSAGE, MAX_LINK_MESSAGE, Codec
from disio_shared.link_messages import (
    Admitted,
    Ask,
    BlockGrant,
    BlockRef,
    Committed,
    Deliver,
    Drain,
    FailureColumns,
    FetchWorkunit,
    FromDistributor,
    Grant,
    Join,
    ResultColumns,
    Return,
    Revoke,
    Siblings,
    Status,
    TaskManifest,
    TaskState,
    ToDistributor,
    WorkunitCode,
)
from disio_shared.message_base import PROTOCOL_VERSION, Error, Message, Part, Refused

FROM_CLIENT: Codec[FromClient] = Codec(FromClient, MAX_CLIENT_MESSAGE)
TO_CLIENT: Codec[ToClient] = Codec(ToClient, MAX_CLIENT_MESSAGE)
FROM_DISTRIBUTOR: Codec[FromDistributor] = Codec(FromDistributor, MAX_LINK_MESSAGE)
TO_DISTRIBUTOR: Codec[ToDistributor] = Codec(ToDistributor, MAX_LINK_MESSAGE)

__all__ = [
    "FROM_CLIENT",
    "FROM_DISTRIBUTOR",
    "PROTOCOL_VERSION",
    "TO_CLIENT",
    "TO_DISTRIBUTOR",
    "Admitted",
    "Ask",
    "Assign",
    "BlockGrant",
    "BlockRef",
    "Cancel",
    "Checkpoint",
    "Committed",
    "Deliver",
    "Drain",
    "Error",
    "Failed",
    "FailureColumns",
    "FetchWorkunit",
    "FromClient",
    "FromDistributor",
    "Grant",
    "Hello",
    "Idle",
    "Join",
    "Message",
    "Part",
    "Pause",
    "Progress",
    "Ready",
    "Redirect",
    "Refused",
    "Release",
    "ResultColumns",
    "Results",
    "Resume",
    "Return",
    "Revoke",
    "Siblings",
    "Status",
    "Stored",
    "TaskManifest",
    "TaskState",
    "ToClient",
    "ToDistributor",
    "Welcome",
    "WorkunitCode",
]
