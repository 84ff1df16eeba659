"""What both kinds of blob stores do with the parts of an upload.

Rule: what is kept under a hash has that hash.
"""

import hashlib
from collections.abc import AsyncIterator

from disio_shared.errors import FieldProblem, InvalidDocument


async def verified(sha256: str, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield parts.

    Raises:
        InvalidDocument: After the last one, when all of them have another hash.
    """
    digest = hashlib.sha256()
    async for part in parts:
        digest.update(part)
        yield part
    if digest.hexdigest() != sha256:
        raise InvalidDocument([FieldProblem("sha256", f"the body's hash is {digest.hexdigest()}")])
