import { createHash } from "node:crypto";
import { setImmediate } from "node:timers";
import { describe, expect, it } from "vitest";
import { Digest } from "../src/client/digest";

const data = Uint8Array.from({ length: 3_000_001 }, (_, at) => at * 31);

describe("a digest", () => {
  it.each([0, 1, 32 * 1024, 32 * 1024 + 1, data.length])("of %i bytes is their SHA-256, in whatever parts they came", async (length) => {
    const digest = new Digest();
    for (const [from, to] of [[0, length >> 2], [length >> 2, length]]) await digest.update(data.subarray(from, to));
    expect(digest.hex()).toBe(createHash("sha256").update(data.subarray(0, length)).digest("hex"));
  });

  it("leaves turns to others while it is made", async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      waiting = setImmediate(count);
    };
    let waiting = setImmediate(count);
    await new Digest().update(data);
    clearImmediate(waiting);
    expect(turns).toBeGreaterThan(10);
  });
});
