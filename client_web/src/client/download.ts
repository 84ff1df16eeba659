/**
 * One file from a distributor, checked by its hash.
 *
 * Rule: nothing is handed on whose SHA-256 is not the one it was asked by, and nothing larger than was allowed is ever held.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export interface Wanted {
  url: string;
  /** In hex. */
  sha256: string;
  /** Bytes it may have at most. */
  limit: number;
  /** Seconds it may take. */
  seconds: number;
}

/** The file. Rejects with what is wrong with it, in words that follow its name and a colon. */
export async function download(fetcher: typeof fetch, wanted: Wanted): Promise<Blob> {
  const answer = await fetcher(wanted.url, { credentials: "omit", signal: AbortSignal.timeout(wanted.seconds * 1000) });
  if (!answer.ok || answer.body === null) throw new Error(`HTTP ${answer.status}`);
  const parts: Blob[] = [];
  // Not crypto.subtle: pages on plain http in a local network have none.
  const hash = sha256.create();
  const reader = answer.body.getReader();
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes += piece.value.length;
    if (bytes > wanted.limit) {
      // What else comes is not waited for.
      reader.cancel().catch(() => undefined);
      throw new Error(`larger than ${wanted.limit} bytes`);
    }
    parts.push(new Blob([piece.value]));
    hash.update(piece.value);
  }
  if (bytesToHex(hash.digest()) !== wanted.sha256) throw new Error("not the file of this hash");
  return new Blob(parts);
}
