/**
 * SHA-256 of code and files, however large they are.
 *
 * Rule: the thread is held for one piece at a time. It may be that of the embedding page: frames of the page's own site run on it.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** Bytes from one turn to the next: a few milliseconds, even before the browser has compiled the function well. */
const PIECE = 32 * 1024;

export class Digest {
  // Not crypto.subtle: pages on plain http in a local network have none.
  private readonly hash = sha256.create();

  async update(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.hash.update(bytes.subarray(at, at + PIECE));
      await nextTurn();
    }
  }

  hex(): string {
    return bytesToHex(this.hash.digest());
  }
}

/** Resolves after what waits in the event loop had its turn. No timer does this: they are late in pages that are not in front. */
function nextTurn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
