"""``disio.connect``.

Rule: whoever returns from it has spoken to a manager.
"""

from disio.patience import LIMIT_S
from disio.sdk.aio import AsyncClient
from disio.sdk.finding import Place
from disio.sdk.sync import Client


def connect(
    manager: str | None = None,
    *,
    token: str | None = None,
    token_file: Place | None = None,
    data_dir: Place | None = None,
    timeout_s: float = 30.0,
    patience_s: float = LIMIT_S,
) -> Client:
    """Return a client of a manager; the arguments are those of ``AsyncClient``.

    Raises:
        ConfigError: What is named is no URL.
        ManagerUnreachable: None is named and none runs on this machine, or it does not answer.
        NotAuthorized: There is no token, or it is wrong.
    """
    return Client(
        AsyncClient(
            manager,
            token=token,
            token_file=token_file,
            data_dir=data_dir,
            timeout_s=timeout_s,
            patience_s=patience_s,
        )
    )
