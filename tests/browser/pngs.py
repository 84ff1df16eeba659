"""PNG pictures as pixels, by the format (https://www.w3.org/TR/png-3/), for tests of what a page exports.

Rule: it reads what browsers write (8 bits, RGB or RGBA, no interlace) and refuses the rest.
"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def pixels_of(data: bytes) -> tuple[int, int, bytes]:
    """Return width, height and three bytes (red, green, blue) for each pixel.

    Raises:
        ValueError: It is no such picture.
    """
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    chunks = dict[bytes, bytes]()
    at = len(SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        chunks[kind] = chunks.get(kind, b"") + body
        at += 12 + length
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    channels = {2: 3, 6: 4}.get(colour)
    if depth != 8 or channels is None or interlace:
        raise ValueError(f"depth {depth}, colour type {colour}, interlace {interlace}")
    raw = _unfiltered(zlib.decompress(chunks[b"IDAT"]), width * channels, height, channels)
    if channels == 3:
        return width, height, raw
    rgb = bytearray(3 * width * height)
    for channel in range(3):
        rgb[channel::3] = raw[channel::4]
    return width, height, bytes(rgb)


def _unfiltered(data: bytes, stride: int, height: int, pixel: int) -> bytes:
    """Undo the filter of each row."""
    out, above = bytearray(), bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + stride])
        for at in range(stride):
            left = line[at - pixel] if at >= pixel else 0
            corner = above[at - pixel] if at >= pixel else 0
            line[at] = (line[at] + _predicted(kind, left, above[at], corner)) & 255
        out += line
        above = line
    return bytes(out)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    ahead = left + up - corner
    distances = [(abs(ahead - each), at) for at, each in enumerate((left, up, corner))]
    return (left, up, corner)[min(distances)[1]]
