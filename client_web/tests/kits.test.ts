import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { download } from "../src/client/download";
import { Kits } from "../src/client/kits";

const one = new Uint8Array(3_000).fill(7);
const two = new TextEncoder().encode("export default 1");
const lists = {
  python: { name: "python-1", files: [["one.wasm", one] as const, ["two.mjs", two] as const].map(([name, data]) => ({ name, sha256: bytesToHex(sha256(data)), bytes: data.length })) },
};

class Server {
  asked: string[] = [];
  files: Record<string, Uint8Array | undefined> = { "one.wasm": one, "two.mjs": two };
  now = 0;
  readonly kits = new Kits(
    {
      get: (wanted) => {
        this.asked.push(wanted.url);
        const data = this.files[wanted.url.split("/").pop() ?? ""];
        const answer = data === undefined ? new Response(null, { status: 503 }) : new Response(data as BodyInit);
        return download(() => Promise.resolve(answer), wanted);
      },
    },
    lists,
    () => this.now,
  );
}

describe("kits", () => {
  it("are fetched once for all slots and handed out once", async () => {
    const server = new Server();
    const both = await Promise.all([server.kits.get("http://d", "python"), server.kits.get("http://d", "python")]);
    const [kit, ...others] = both.filter((one) => one !== null);
    expect([kit?.type, kit?.language, others]).toEqual(["kit", "python", []]);
    const files = Object.entries(kit?.files ?? {}).map(async ([name, file]) => [name, file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : null]);
    expect(await Promise.all(files)).toEqual([["one.wasm", one], ["two.mjs", two]]);
    expect(await server.kits.get("http://d", "python")).toBeNull();
    expect(server.asked).toEqual(["http://d/kits/python-1/one.wasm", "http://d/kits/python-1/two.mjs"]);
  });

  it("are not needed by other languages", async () => {
    const server = new Server();
    expect(await server.kits.get("http://d", "javascript")).toBeNull();
    expect(server.asked).toEqual([]);
  });

  it.each([
    ["other bytes", new Uint8Array(two.length), "not the file of this hash"],
    ["too many", new Uint8Array(two.length + 1), `larger than ${two.length} bytes`],
    ["too few", two.slice(1), "not the file of this hash"],
  ])("of %s are refused by name", async (_, data, why) => {
    const server = new Server();
    server.files["two.mjs"] = data;
    await expect(server.kits.get("http://d", "python")).rejects.toThrow(`two.mjs: ${why}`);
  });

  it("that cannot be had are asked for again later, and ever later", async () => {
    const server = new Server();
    server.files["one.wasm"] = undefined;
    await expect(server.kits.get("http://d", "python")).rejects.toThrow("one.wasm: HTTP 503");
    await expect(server.kits.get("http://d", "python")).rejects.toThrow("one.wasm: HTTP 503");
    expect(server.asked.length).toBe(1);
    server.now = 6;
    await expect(server.kits.get("http://d", "python")).rejects.toThrow();
    server.now = 12;
    await expect(server.kits.get("http://d", "python")).rejects.toThrow();
    expect(server.asked.length).toBe(2);
    server.files["one.wasm"] = one;
    server.now = 17;
    expect(await server.kits.get("http://d", "python")).not.toBeNull();
  });
});
