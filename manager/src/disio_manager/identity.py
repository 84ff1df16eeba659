"""Who this manager is to others: its CURVE key pair, and the tokens and the secret it hands out by file.

Rule: each is made once, lies in the data directory readable by the owner alone, and is never logged.
"""

import base64
import hmac
import json
import os
from dataclasses import dataclass, field

import msgspec
import zmq
from zmq.utils import z85

from disio_shared.datadir import ADMIN_TOKEN, CURVE_KEYS, JOIN_TOKEN, DataDir
from disio_shared.errors import ConfigError
from disio_shared.ids import fresh_secret
from disio_shared.task_parts import SECRET_PREFIX, check_secret

WEBHOOK_SECRET = "webhook.secret"
KEY_BYTES = 32


class _KeyFile(msgspec.Struct):
    public: str
    secret: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Keys and tokens of one data directory."""

    curve_public: bytes
    """Z85, 40 bytes."""
    curve_secret: bytes = field(repr=False)
    admin_token: str = field(repr=False)
    join_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    """Signs what webhooks without a secret of their own are sent: ``whsec_`` and base64."""


def load_identity(data: DataDir) -> Identity:
    """Return the identity in a data directory, made at first use.

    Raises:
        ConfigError: A file of it is damaged.
    """
    public, secret = _keys(data)
    tokens = data.secret(ADMIN_TOKEN, fresh_secret), data.secret(JOIN_TOKEN, fresh_secret)
    return Identity(public, secret, *tokens, _webhook_secret(data))


def _webhook_secret(data: DataDir) -> str:
    text = data.secret(WEBHOOK_SECRET, lambda: SECRET_PREFIX + base64.b64encode(os.urandom(KEY_BYTES)).decode())
    if check_secret(text):
        raise ConfigError(str(data.path / WEBHOOK_SECRET), "is damaged", "restore or delete it")
    return text


def is_same_secret(given: str, expected: str) -> bool:
    """Compare in constant time; any text may be given."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _keys(data: DataDir) -> tuple[bytes, bytes]:
    text = data.secret(CURVE_KEYS, _make_keys)
    try:
        keys = msgspec.json.decode(text, type=_KeyFile)
        public, secret = keys.public.encode(), keys.secret.encode()
        if len(z85.decode(public)) != 32 or zmq.curve_public(secret) != public:
            raise ValueError("the two keys are no pair")
    except (msgspec.MsgspecError, ValueError, KeyError, zmq.ZMQError) as error:
        raise ConfigError(str(data.path / CURVE_KEYS), f"is damaged: {error}", "restore or delete it") from error
    return public, secret


def _make_keys() -> str:
    public, secret = zmq.curve_keypair()
    return json.dumps({"public": public.decode(), "secret": secret.decode()})
