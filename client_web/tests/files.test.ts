import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DownloadedFiles, type Downloader } from "../src/client/files";
import type { DownloadAnswer, DownloadRequest } from "../src/protocol/download";

const wanted = { url: "http://d/f", sha256: "00", limit: 9, seconds: 1 };

/** A worker that answers when it is told to. */
class StandIn implements Downloader {
  onmessage: ((event: MessageEvent<DownloadAnswer>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly asked: DownloadRequest[] = [];
  isOver = false;

  postMessage(request: DownloadRequest): void {
    this.asked.push(request);
  }

  terminate(): void {
    this.isOver = true;
  }

  say(answer: DownloadAnswer): void {
    this.onmessage?.({ data: answer } as MessageEvent<DownloadAnswer>);
  }
}

describe("files", () => {
  let workers: StandIn[];
  let files: DownloadedFiles;

  beforeEach(() => {
    vi.useFakeTimers();
    workers = [];
    files = new DownloadedFiles(() => {
      const worker = new StandIn();
      workers.push(worker);
      return worker;
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("that are asked for together come from one worker, each to whom asked for it", async () => {
    const both = [files.get(wanted), files.get({ ...wanted, url: "http://d/g" })];
    expect(workers.map((worker) => worker.asked.map((one) => one.wanted.url))).toEqual([["http://d/f", "http://d/g"]]);
    const [first, second] = workers[0]?.asked ?? [];
    workers[0]?.say({ id: second?.id ?? 0, file: new Blob(["second"]) });
    workers[0]?.say({ id: first?.id ?? 0, file: new Blob(["first"]) });
    const got = await Promise.all(both);
    expect(await Promise.all(got.map((file) => file.text()))).toEqual(["first", "second"]);
  });

  it("that cannot be had say why", async () => {
    const file = files.get(wanted);
    workers[0]?.say({ id: 1, error: "HTTP 404" });
    await expect(file).rejects.toThrow("HTTP 404");
  });

  it("need no worker after a while, and a new one later", async () => {
    const file = files.get(wanted);
    workers[0]?.say({ id: 1, file: new Blob() });
    await file;
    expect(workers[0]?.isOver).toBe(false);
    vi.advanceTimersByTime(6_000);
    expect(workers[0]?.isOver).toBe(true);
    const again = files.get(wanted);
    workers[1]?.say({ id: 2, file: new Blob() });
    await again;
    expect(workers.length).toBe(2);
  });

  it("keep their worker while something comes", () => {
    void files.get(wanted);
    const second = files.get(wanted);
    workers[0]?.say({ id: 1, file: new Blob() });
    vi.advanceTimersByTime(60_000);
    expect(workers[0]?.isOver).toBe(false);
    workers[0]?.say({ id: 2, file: new Blob() });
    return second;
  });

  it("whose worker ends are not waited for", async () => {
    const file = files.get(wanted);
    workers[0]?.onerror?.({ message: "gone" } as ErrorEvent);
    await expect(file).rejects.toThrow("the downloading worker ended: gone");
    void files.get(wanted);
    expect(workers.length).toBe(2);
  });

  it("that no worker can be started for say so", async () => {
    const none = new DownloadedFiles(() => {
      throw new Error("forbidden");
    });
    await expect(none.get(wanted)).rejects.toThrow("forbidden");
  });

  it("that are not needed any more are told so", async () => {
    const file = files.get(wanted);
    files.stop();
    await expect(file).rejects.toThrow("not needed any more");
    expect(workers[0]?.isOver).toBe(true);
  });
});
