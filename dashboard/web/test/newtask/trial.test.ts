import { expect, test } from "vitest";
import * as format from "../../src/format";
import { asCommand, asPython, forecast } from "../../src/newtask/forecast";
import { itemsOf } from "../../src/newtask/more";
import { previewOf, warningsOf } from "../../src/newtask/preview";
import { isSame, shownValue, type TrialResult, timeoutAfter, verdictOf, wireOf } from "../../src/newtask/trial";
import { wasmInfo } from "../../src/newtask/wasm_info";

const run = (change: Partial<TrialResult>): TrialResult => ({
  index: 0,
  kind: "ok",
  value: btoa("1"),
  error: "",
  seconds: 0.1,
  logs: [],
  ...change,
});
const bytesOf = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

test("two equal runs pass, two different ones are warned of, one that failed does not pass", () => {
  expect(verdictOf([run({}), run({})])).toEqual({ passed: true, verdict: expect.stringContaining("byte for byte") });
  const different = [run({}), run({ value: btoa("2") })];
  expect(verdictOf(different)).toEqual({ passed: true, verdict: expect.stringContaining("different results") });
  expect([isSame([run({}), run({})]), isSame(different)]).toEqual([true, false]);
  expect(verdictOf([run({ kind: "timeout" })])).toEqual({ passed: false, verdict: expect.stringContaining("timeout") });
  expect(verdictOf([run({})]).passed).toBe(false);
});

test("a payload goes as it was written, and raw bytes behind their mark", () => {
  const text = '{"n": 12345678901234567890, "x": 1.0}';
  expect(new TextDecoder().decode(wireOf(text, bytesOf))).toBe(text);
  expect([...wireOf('{"$base64": "AQI="}', bytesOf)]).toEqual([0, 1, 2]);
  expect(wireOf('{"$base64": "AQI=", "n": 1}', bytesOf)[0]).toBe("{".charCodeAt(0));
});

test("results are shown as JSON, and raw bytes by their number", () => {
  expect(shownValue(btoa('{"a":1}'))).toEqual({ text: '{"a":1}', bytes: 7 });
  expect(shownValue(btoa("\0\x01\xff"))).toEqual({ text: "2 raw bytes: 01 ff", bytes: 2 });
});

test("the timeout is five times a run, within what is allowed", () => {
  expect([0.01, 3, 100_000].map(timeoutAfter)).toEqual([10, 15, 86_400]);
});

test("a forecast says what it is made of, and nothing when something is missing", () => {
  const guess = forecast(2, 100, 8, format);
  expect(guess?.seconds).toBe(26);
  expect(guess?.text).toContain("100 payloads × 2.00 s on this machine, on 8 slots");
  expect([forecast(null, 100, 8, format), forecast(2, 100, 0, format), forecast(2, null, 8, format)]).toEqual([
    null,
    null,
    null,
  ]);
});

test("a document goes into a command and a program as it is", () => {
  const document = '{"payloads":{"list":[1.0,12345678901234567890]},"name":"it\'s \\"me\\""}';
  expect(asCommand(document)).toContain(`\n${document}\n`);
  expect(asPython(document)).toContain(`r'''${document}'''`);
  expect(asPython(`{"name":"'''"}`)).not.toContain("r'''");
});

test("a preview keeps the digits of its payloads, and warns", () => {
  const preview = previewOf('{"count": 2, "first": [12345678901234567890, {"a": [1, "]"]}], "last": []}');
  expect(preview).toEqual({ count: 2, first: ["12345678901234567890", '{"a": [1, "]"]}'], last: [] });
  expect(warningsOf(preview)).toEqual([]);
  expect(warningsOf({ count: 0, first: [], last: [] })).toHaveLength(1);
  expect(warningsOf({ count: 1, first: ["x".repeat(2_000_000)], last: [] })[0]).toContain("2.0 MB");
  expect(itemsOf("[]")).toEqual([]);
  expect(itemsOf("5")).toBeUndefined();
});

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const named = (name: string) => [name.length, ...new TextEncoder().encode(name)];
const section = (id: number, body: number[]) => [id, body.length, ...body];

test("a WebAssembly file is told by its exports", () => {
  const imports = section(2, [2, ...named("wasi"), ...named("f"), 0, 0, ...named("env"), ...named("m"), 2, 1, 1, 2]);
  const command = section(7, [2, ...named("memory"), 2, 0, ...named("_start"), 0, 0]);
  expect(wasmInfo(Uint8Array.from([...MAGIC, ...imports, ...command]))).toEqual({
    kind: "WASI command",
    exports: ["memory", "_start"],
    imports: ["wasi", "env"],
  });
  const other = section(7, [1, ...named("ProcessStdio"), 0, 0]);
  expect(wasmInfo(Uint8Array.from([...MAGIC, ...other]))).toHaveProperty("kind", "distwasm (ProcessStdio)");
  expect(wasmInfo(Uint8Array.from(MAGIC))).toHaveProperty("kind", "");
});

test("what is no module, or a damaged one, is said", () => {
  expect(wasmInfo(new Uint8Array([1, 2, 3]))).toBe("This file is no WebAssembly module.");
  expect(wasmInfo(Uint8Array.from([...MAGIC, 7, 100, 1]))).toContain("damaged");
  expect(wasmInfo(Uint8Array.from([...MAGIC, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))).toContain("damaged");
});
