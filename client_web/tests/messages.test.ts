import { readdirSync, readFileSync } from "node:fs";
import { encode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";
import { decodeFromClient, decodeToClient, encodeFromClient, encodeToClient, MalformedMessage, type FromClient, type ToClient } from "../src/protocol/messages";

const SAMPLES = new URL("../../tests/contract/samples/", import.meta.url);
const links = [
  { folder: "from_client", decode: decodeFromClient, encode: (message: unknown) => encodeFromClient(message as FromClient) },
  { folder: "to_client", decode: decodeToClient, encode: (message: unknown) => encodeToClient(message as ToClient) },
];

/** The readable sample as TypeScript holds it. */
function revive(_key: string, value: unknown): unknown {
  const base64 = (value as { $base64?: unknown } | null)?.$base64;
  return typeof base64 === "string" ? new Uint8Array(Buffer.from(base64, "base64")) : value;
}

describe.each(links)("golden samples of $folder", ({ folder, decode, encode: encodeMessage }) => {
  const names = readdirSync(new URL(`${folder}/`, SAMPLES)).filter((name) => name.endsWith(".json"));

  it.each(names)("%s decodes to what its JSON says and survives a round trip", (name) => {
    const told: unknown = JSON.parse(readFileSync(new URL(`${folder}/${name}`, SAMPLES), "utf8"), revive);
    const message = decode(readFileSync(new URL(`${folder}/${name.replace(".json", ".msgpack")}`, SAMPLES)));
    expect(plain(message)).toEqual(told);
    expect(plain(decode(encodeMessage(message)))).toEqual(told);
  });
});

/** Buffers are compared as plain bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
  return value;
}

describe("decoding", () => {
  it("drops unknown fields and fills in defaults", () => {
    expect(decodeToClient(encode({ type: "stored", accepted: 2, later: 1 }))).toEqual({ type: "stored", accepted: 2, dead: false });
  });

  it.each([
    ["an unknown type", encode({ type: "hallo" })],
    ["an inherited name as type", encode({ type: "constructor" })],
    ["a missing field", encode({ type: "stored" })],
    ["a field of the wrong kind", encode({ type: "stored", accepted: "2" })],
    ["no map", encode([1])],
    ["no MessagePack", new Uint8Array([0xc1])],
  ])("refuses %s", (_, data) => {
    expect(() => decodeToClient(data)).toThrow(MalformedMessage);
  });
});
