/**
 * Kits: the files that a language needs beside its units, fetched when the first run of the language is due.
 *
 * Rule: nothing is handed on whose SHA-256 is not in the list that the build put into this page; who serves the files decides nothing.
 */

import type { KitMessage } from "../protocol/engine";
import type { Files } from "./files";

export interface KitList {
  name: string;
  files: { name: string; sha256: string; bytes: number }[];
}

/** Filled in by the build: language to kit. */
declare const KITS: Record<string, KitList>;

/** For one file; slow lines take long for ten megabytes. */
const FETCH_S = 600;
/** Seconds until the next try after one that failed; doubles each time. */
const AGAIN_FIRST_S = 5;
const AGAIN_CEILING_S = 600;

interface Failure {
  error: unknown;
  waitS: number;
  againAt: number;
}

export class Kits {
  private readonly coming = new Map<string, Promise<KitMessage>>();
  private readonly done = new Set<string>();
  private readonly failures = new Map<string, Failure>();

  constructor(
    private readonly files: Files,
    private readonly lists: Record<string, KitList> = KITS,
    private readonly now: () => number = () => performance.now() / 1000,
  ) {}

  /** The kit of a language to hand on, or null when it needs none or was handed out before. Rejects when it cannot be had for now. */
  async get(base: string, language: string): Promise<KitMessage | null> {
    const list = this.lists[language];
    if (list === undefined || this.done.has(language)) return null;
    const failure = this.failures.get(language);
    if (failure !== undefined && this.now() < failure.againAt) throw failure.error;
    const coming = this.coming.get(language) ?? this.load(base, language, list);
    this.coming.set(language, coming);
    try {
      const kit = await coming;
      // Runs of several slots may wait for the same kit: the first one takes it, and the others come after it.
      return this.done.has(language) ? null : (this.done.add(language), kit);
    } catch (error) {
      this.failed(language, error, coming);
      throw error;
    } finally {
      this.coming.delete(language);
    }
  }

  private failed(language: string, error: unknown, coming: Promise<KitMessage>): void {
    if (this.coming.get(language) !== coming) return;
    const waitS = Math.min(AGAIN_CEILING_S, 2 * (this.failures.get(language)?.waitS ?? AGAIN_FIRST_S / 2));
    this.failures.set(language, { error, waitS, againAt: this.now() + waitS });
  }

  private async load(base: string, language: string, list: KitList): Promise<KitMessage> {
    const files: Record<string, Blob> = {};
    for (const file of list.files) files[file.name] = await this.file(`${base}/kits/${list.name}/${file.name}`, file);
    return { type: "kit", language, files };
  }

  private async file(url: string, { name, sha256, bytes }: KitList["files"][number]): Promise<Blob> {
    try {
      return await this.files.get({ url, sha256, limit: bytes, seconds: FETCH_S });
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
