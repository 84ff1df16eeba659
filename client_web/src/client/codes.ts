/**
 * Code of work units: fetched once by hash, checked, kept.
 *
 * Rule: nothing is handed on whose SHA-256 is not the name it was asked by.
 */

import type { Files } from "./files";

const FETCH_S = 30;
const MAX_KEPT = 16;
const MAX_CODE_BYTES = 64 * 1024 * 1024;

export class Codes {
  private readonly kept = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly files: Files) {}

  /** The code of a work unit. Rejects when it cannot be had; the next call tries again. */
  get(base: string, workunit: string): Promise<Uint8Array> {
    const kept = this.kept.get(workunit);
    if (kept !== undefined) return kept;
    const code = this.load(base, workunit);
    this.kept.set(workunit, code);
    code.catch(() => this.kept.delete(workunit));
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MAX_KEPT) break;
      this.kept.delete(oldest);
    }
    return code;
  }

  private async load(base: string, workunit: string): Promise<Uint8Array> {
    if (!/^[0-9a-f]{64}$/u.test(workunit)) throw new Error("a work unit's name is a SHA-256 in hex");
    const url = `${base}/workunits/${workunit}`;
    try {
      const file = await this.files.get({ url, sha256: workunit, limit: MAX_CODE_BYTES, seconds: FETCH_S });
      return new Uint8Array(await file.arrayBuffer());
    } catch (error) {
      throw new Error(`work unit ${workunit.slice(0, 12)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
