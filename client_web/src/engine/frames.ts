/**
 * Frames on a byte stream: 4 bytes little-endian length, then that many bytes.
 *
 * Rule: a frame over MAX_FRAME is an error at once, before memory is taken for it.
 */

/** The largest frame in bytes: two client messages of 16 MiB and what is around them. */
export const MAX_FRAME = 64 * 1024 * 1024;

/** Cuts a stream into frames. */
export class FrameReader {
  private chunks: Uint8Array[] = [];
  private size = 0;

  /** @throws RangeError a frame is too large */
  push(chunk: Uint8Array): Uint8Array[] {
    this.chunks.push(chunk);
    this.size += chunk.length;
    const frames: Uint8Array[] = [];
    for (let frame = this.pull(); frame !== null; frame = this.pull()) frames.push(frame);
    return frames;
  }

  private pull(): Uint8Array | null {
    if (this.size < 4) return null;
    const head = this.joined(4);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
    if (length > MAX_FRAME) throw new RangeError(`a frame of ${length} bytes is over ${MAX_FRAME}`);
    if (this.size < 4 + length) return null;
    const all = this.joined(4 + length);
    this.chunks = all.length > 4 + length ? [all.subarray(4 + length)] : [];
    this.size -= 4 + length;
    return all.subarray(4, 4 + length);
  }

  /** The first chunk, made at least `need` bytes long. */
  private joined(need: number): Uint8Array {
    const first = this.chunks[0] as Uint8Array;
    if (first.length >= need) return first;
    const all = new Uint8Array(this.size);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.chunks = [all];
    return all;
  }
}

export function frame(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(4 + body.length);
  new DataView(out.buffer).setUint32(0, body.length, true);
  out.set(body, 4);
  return out;
}
