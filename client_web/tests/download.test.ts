import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { download } from "../src/client/download";

const data = Uint8Array.from({ length: 300_001 }, (_, at) => at * 31);
const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Answers with bytes in pieces, and counts what was asked of it. */
function server(bytes: Uint8Array, piece = 65_536): { fetcher: typeof fetch; asked: [unknown, RequestInit | undefined][]; sent: () => number } {
  const asked: [unknown, RequestInit | undefined][] = [];
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
  const fetcher: typeof fetch = (input, init) => {
    asked.push([input, init]);
    return Promise.resolve(new Response(body));
  };
  return { fetcher, asked, sent: () => at };
}

describe("a download", () => {
  it.each([0, 1, 65_536, data.length])("of %i bytes is the file of its hash", async (length) => {
    const bytes = data.slice(0, length);
    const { fetcher, asked } = server(bytes);
    const file = await download(fetcher, { url: "http://d/f", sha256: hashOf(bytes), limit: length, seconds: 9 });
    expect(hashOf(new Uint8Array(await file.arrayBuffer()))).toBe(hashOf(bytes));
    expect(asked.map(([url, init]) => [url, init?.credentials])).toEqual([["http://d/f", "omit"]]);
  });

  it("of other bytes is refused", async () => {
    const { fetcher } = server(data);
    await expect(download(fetcher, { url: "", sha256: hashOf(data.slice(1)), limit: data.length, seconds: 9 })).rejects.toThrow("not the file of this hash");
  });

  it("that is too large ends where that is seen", async () => {
    const { fetcher, sent } = server(data, 1_000);
    await expect(download(fetcher, { url: "", sha256: hashOf(data), limit: 5_000, seconds: 9 })).rejects.toThrow("larger than 5000 bytes");
    expect(sent()).toBeLessThan(10_000);
  });

  it("that is refused by its server says how", async () => {
    const refuse: typeof fetch = () => Promise.resolve(new Response(null, { status: 404 }));
    await expect(download(refuse, { url: "", sha256: "", limit: 1, seconds: 9 })).rejects.toThrow("HTTP 404");
  });

  it("that takes too long is given up", async () => {
    const never: typeof fetch = (_, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => {
          reject(init.signal?.reason as Error);
        });
      });
    await expect(download(never, { url: "", sha256: "", limit: 1, seconds: 0.01 })).rejects.toThrow("timeout");
  });
});
