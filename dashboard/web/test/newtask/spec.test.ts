import { expect, test } from "vitest";
import { axisOf, BLANK, type Built, builtOf, specOf } from "../../src/newtask/spec";

const built = (change: Partial<Built>): Built => ({ ...BLANK, ...change });

test("fields write the spec", () => {
  expect(specOf(built({ kind: "range", start: "0", stop: "10", step: "" }))).toBe('{"range": [0, 10]}');
  expect(specOf(built({ kind: "range", start: "0", stop: "10", step: "2" }))).toBe('{"range": [0, 10, 2]}');
  const axes = [
    { key: "n", text: "0:10:5" },
    { key: "k", text: "1, 2" },
    { key: " ", text: "left out" },
  ];
  expect(JSON.parse(specOf(built({ kind: "grid", axes })))).toEqual({ grid: { n: { range: [0, 10, 5] }, k: [1, 2] } });
  expect(JSON.parse(specOf(built({ kind: "random", count: "7", seed: "s", axes: [] })))).toEqual({
    random: { count: 7, seed: "s" },
  });
  expect(JSON.parse(specOf(built({ kind: "list", items: '{"a": 1}\n\nword\n2' })))).toEqual({
    list: [{ a: 1 }, "word", 2],
  });
  expect(JSON.parse(specOf(built({ kind: "file", sha256: "ab", format: "csv", numbers: "x, y" })))).toEqual({
    blob: "ab",
    format: "csv",
    numbers: ["x", "y"],
  });
});

test.each([
  ["0:5", '{"range": [0, 5]}'],
  ["-1:1:0.5", '{"range": [-1, 1, 0.5]}'],
  ["linspace(0, 1, 3)", '{"linspace": [0, 1, 3]}'],
  ["uniform(0, 1)", '{"uniform": [0, 1]}'],
  ["1, 2, x", '[1, 2, "x"]'],
  ["12345678901234567890", "12345678901234567890"],
  ["word", '"word"'],
  ['"0:5"', '"0:5"'],
])("an axis %s is %s", (text, json) => expect(axisOf(text)).toBe(json));

test.each([
  '{"range": [0, 10]}',
  '{"grid": {"n": {"range": [0, 5]}, "c": 99, "s": "1-9", "t": "0:5", "l": ["a", 1]}}',
  '{"zip": {"a": {"linspace": [0, 1, 5]}}}',
  '{"random": {"count": 5, "seed": 7, "x": {"uniform": [0, 1]}}}',
  '{"list": [1, "a", {"b": null}]}',
  '{"blob": "abc", "format": "lines"}',
])("%s comes back the same through the fields", (text) => {
  const read = builtOf(text, BLANK);
  expect(read.kind).not.toBe("json");
  expect(JSON.parse(specOf(read))).toEqual(JSON.parse(text));
});

test.each(['{"task": "abc"}', '{"open": [1]}', "{", "[1]", "null", '{"range": [0, 5], "extra": 1}'])(
  "%s is left to be written by hand",
  (text) => expect(builtOf(text, BLANK).kind).toBe("json"),
);
