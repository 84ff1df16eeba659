import { expect, test } from "vitest";
import { documentDraft } from "../../src/newtask/clone";
import { toDocument } from "../../src/newtask/draft";

const DOCUMENT = `{"name":"n","tags":["a"],"description":"","workunit":{"language":"wasm","sha256":"ab","runtime":"sandbox",
"output":"json","clock":"fixed"},"payloads":{"list":[1.0,12345678901234567890]},"policy":{"priority":5,"weight":2.0,
"max_distributors":0,"redundancy":1,"verify":"fixed","compare":"exact","deadline":1900000000.5,"unit_timeout_s":7.0,
"max_failures":4,"max_lost":9,"max_task_failures":null,"requires":{"memory_mb":128,"one_per_machine":false,
"kinds":["cli"]},"when_exhausted":"wait","max_redundancy":6,"stop_when":null,"stall_s":600.0},"public":true,
"webhooks":[],"aggregates":null}`;

test("a document becomes a draft, and that the same document, but for what is as it would be anyway", () => {
  const draft = documentDraft(DOCUMENT);
  expect(draft).toMatchObject({ name: "n", "policy.weight": "2.0", "policy.requires.memory_mb": "128" });
  const again = toDocument(draft);
  if ("errors" in again) throw new Error(JSON.stringify(again.errors));
  expect(again.body).toContain("12345678901234567890");
  expect(JSON.parse(again.body)).toEqual({
    name: "n",
    tags: ["a"],
    public: true,
    workunit: { language: "wasm", sha256: "ab", output: "json", clock: "fixed" },
    payloads: JSON.parse('{"list":[1.0,12345678901234567890]}'),
    policy: {
      priority: 5,
      weight: 2,
      max_distributors: 0,
      deadline: 1900000000.5,
      unit_timeout_s: 7,
      max_failures: 4,
      max_lost: 9,
      requires: { memory_mb: 128, kinds: ["cli"] },
      when_exhausted: "wait",
      max_redundancy: 6,
    },
  });
});
