import { beforeEach, expect, test } from "vitest";
import { type Draft, dropDraft, EMPTY, keepDraft, loadDraft, placeErrors, toDocument } from "../../src/newtask/draft";

beforeEach(() => localStorage.clear());

function documentOf(draft: Draft): Record<string, unknown> {
  const document = toDocument(draft);
  if ("errors" in document) throw new Error(JSON.stringify(document.errors));
  return JSON.parse(document.body) as Record<string, unknown>;
}

test("a draft becomes the task document", () => {
  const document = documentOf({ ...EMPTY, name: "pi", "workunit.source": "code", payloads: '{"list": [1]}' });
  expect(document).toEqual({
    name: "pi",
    workunit: { language: "javascript", source: "code" },
    payloads: { list: [1] },
    policy: {
      priority: 0,
      unit_timeout_s: 60,
      max_failures: 3,
      max_distributors: 0,
      max_lost: 20,
      when_exhausted: "repeat",
      max_redundancy: 5,
      requires: { kinds: ["web", "cli"] },
    },
  });
});

test("an empty number is left to the server and a wrong one is the server's to refuse", () => {
  const { policy } = documentOf({ ...EMPTY, "policy.priority": " ", "policy.max_failures": "many" });
  expect(policy).not.toHaveProperty("priority");
  expect(policy).toHaveProperty("max_failures", "many");
});

test("payloads go as they were typed, whatever the size of their numbers", () => {
  const payloads = '{"list": [12345678901234567890, 1.0]}';
  expect(toDocument({ ...EMPTY, payloads })).toHaveProperty("body", expect.stringContaining(payloads));
});

test("what has no field of its own is said as JSON, beside the fields and within them", () => {
  const more = '{"tags": ["math"], "policy": {"weight": 2, "requires": {"memory_mb": 128}}, "public": true}';
  const document = documentOf({ ...EMPTY, more });
  expect(document).toMatchObject({ tags: ["math"], public: true, payloads: { range: [0, 100] } });
  expect(document.policy).toMatchObject({
    weight: 2,
    priority: 0,
    requires: { memory_mb: 128, kinds: ["web", "cli"] },
  });
});

test("what is said as JSON goes as it was typed", () => {
  const stop = '{"result": [{"equals": {"2": 12345678901234567890, "1": 1.0, "a\\"},{": ["}", null]}}]}';
  const document = toDocument({ ...EMPTY, more: `{"policy":{"stop_when": ${stop} } }` });
  expect(document).toHaveProperty("body", expect.stringContaining(`"stop_when":${stop},`));
});

test("code that was uploaded before is named by its hash", () => {
  const more = '{"workunit": {"sha256": "abc"}}';
  expect(documentOf({ ...EMPTY, more }).workunit).toEqual({ language: "javascript", sha256: "abc" });
  const both = documentOf({ ...EMPTY, more, "workunit.source": "code" }).workunit;
  expect(both).toEqual({ language: "javascript", source: "code", sha256: "abc" });
});

test("what is said twice, or is no object, is an error at its field", () => {
  const more = '{"name": "twice", "policy": {"weight": 2, "requires": {"kinds": ["cli"]}}, "workunit": 5}';
  expect(toDocument({ ...EMPTY, more })).toEqual({
    errors: ["name", "workunit", "policy.requires.kinds"].map((path) => ({
      path: "more",
      message: `${path} has a field of its own above`,
    })),
  });
  for (const wrong of ["[1]", "5", "{", '{"a": 1,}']) {
    expect(toDocument({ ...EMPTY, more: wrong })).toHaveProperty("errors.0.path", "more");
  }
});

test("payloads that are no JSON are an error at their field", () => {
  const document = toDocument({ ...EMPTY, payloads: "{" });
  expect(document).toHaveProperty("errors.0.path", "payloads");
});

test("a WebAssembly module goes in base64", () => {
  const draft: Draft = { ...EMPTY, "workunit.language": "wasm", wasm: "AGFzbQ==" };
  const unit = { language: "wasm", source_base64: "AGFzbQ==", output: "bytes", clock: "fixed" };
  expect(documentOf(draft).workunit).toEqual(unit);
  const other = { ...draft, "workunit.output": "json", "workunit.clock": "real" };
  expect(documentOf(other).workunit).toEqual({ ...unit, output: "json", clock: "real" });
});

test("how a unit runs is said of the languages that know it, and of no other", () => {
  const draft: Draft = { ...EMPTY, "workunit.source": "code", "workunit.runtime": "native", "workunit.output": "text" };
  const python = documentOf({ ...draft, "workunit.language": "python" }).workunit;
  expect(python).toEqual({ language: "python", source: "code", runtime: "native" });
  expect(documentOf(draft).workunit).toEqual({ language: "javascript", source: "code" });
});

test("errors find the field they belong to, and the others are kept", () => {
  const placed = placeErrors([
    { path: "name", message: "too long" },
    { path: "payloads.grid.n", message: "runs backwards" },
    { path: "payloads", message: "second" },
    { path: "policy.requires.kinds", message: "none" },
    { path: "workunit.sha256", message: "unknown" },
    { path: "workunit", message: "missing" },
    { path: "workunit.runtime", message: "only Python" },
    { path: "workunit.output", message: "is for WebAssembly" },
    { path: "policy.deadline", message: "past" },
    { path: "policy.max_lost", message: "must be from 1 to 1000" },
    { path: "policy.when_exhausted", message: "unknown" },
    { path: "policy.max_redundancy", message: "too many" },
    { path: "", message: "whole document" },
    { path: "named", message: "not a field" },
    { path: "more", message: "is not JSON" },
  ]);
  expect(placed.fields).toEqual({
    name: ["too long"],
    payloads: ["grid.n: runs backwards", "second"],
    "policy.requires.kinds": ["none"],
    "workunit.source": ["unknown", "missing"],
    "workunit.runtime": ["only Python"],
    "workunit.output": ["is for WebAssembly"],
    "policy.deadline": ["past"],
    "policy.max_lost": ["must be from 1 to 1000"],
    "policy.when_exhausted": ["unknown"],
    "policy.max_redundancy": ["too many"],
    more: ["named: not a field", "is not JSON"],
  });
  expect(placed.rest.map(({ path }) => path)).toEqual([""]);
});

test("a draft is there after a reload until it is dropped", () => {
  keepDraft({ ...EMPTY, name: "kept" });
  expect(loadDraft().name).toBe("kept");
  dropDraft();
  expect(loadDraft()).toEqual(EMPTY);
});

test("what is kept but is no draft is ignored", () => {
  for (const kept of ["{", "[]", "null", '{"name": 5, "other": "x"}']) {
    localStorage.setItem("disio.draft", kept);
    expect(loadDraft()).toEqual(EMPTY);
  }
});
