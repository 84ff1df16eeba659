"""Archives as tests upload them, made by Python's ``tarfile``."""

import hashlib
import io
import tarfile
from collections.abc import Sequence

Member = tuple[str, bytes]


def tar_of(members: Sequence[Member], format: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive of regular files."""
    return tar_with([(tarfile.TarInfo(name), data) for name, data in members], format)


def tar_with(members: Sequence[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive of whatever members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def sha256_of(data: bytes) -> str:
    """Return the name of a blob."""
    return hashlib.sha256(data).hexdigest()
