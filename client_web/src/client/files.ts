/**
 * Files from distributors: code of work units and what languages need.
 *
 * Rule: nothing of a download happens on this thread, which may be that of the embedding page: frames of the page's own site run on it.
 * The worker is there only while something comes, and a little longer.
 */

import type { DownloadAnswer, DownloadRequest } from "../protocol/download";
import type { Wanted } from "./download";

export interface Files {
  /** Rejects with what is wrong with it, in words that follow its name and a colon. */
  get(wanted: Wanted): Promise<Blob>;
}

/** What of a Worker is used here. */
export interface Downloader {
  onmessage: ((event: MessageEvent<DownloadAnswer>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(request: DownloadRequest): void;
  terminate(): void;
}

const IDLE_MS = 5_000;

interface Waiting {
  resolve(file: Blob): void;
  reject(error: Error): void;
}

export class DownloadedFiles implements Files {
  private worker: Downloader | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly hire: () => Downloader) {}

  get(wanted: Wanted): Promise<Blob> {
    clearTimeout(this.idleTimer);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      try {
        (this.worker ??= this.started()).postMessage({ id, wanted });
      } catch (error) {
        this.fail(String(error));
      }
    });
  }

  /** Nothing is needed any more: whoever waits is told so. */
  stop(): void {
    this.fail("not needed any more");
  }

  private started(): Downloader {
    const worker = this.hire();
    worker.onmessage = (event) => {
      this.hear(event.data);
    };
    worker.onerror = (event) => {
      this.fail(`the downloading worker ended: ${event.message}`);
    };
    return worker;
  }

  private hear(answer: DownloadAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("file" in answer) waiting?.resolve(answer.file);
    else waiting?.reject(new Error(answer.error));
    if (this.waiting.size > 0) return;
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      this.end();
    }, IDLE_MS);
  }

  private fail(reason: string): void {
    this.end();
    for (const { reject } of this.waiting.values()) reject(new Error(reason));
    this.waiting.clear();
  }

  private end(): void {
    clearTimeout(this.idleTimer);
    this.worker?.terminate();
    this.worker = null;
  }
}
