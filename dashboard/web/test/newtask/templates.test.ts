import { expect, test } from "vitest";
import { TEMPLATES } from "../../src/newtask/templates";

interface Classic {
  onStart: (data: { payload: unknown }) => void;
}

/** Runs a classic script as a client does: with the globals of dis.io. */
function runClassic(source: string, payload: unknown): unknown {
  let result: unknown;
  const worker: Partial<Classic> = {};
  const communication = {
    end: (value: unknown) => {
      result = value;
    },
  };
  new Function("worker", "communication", source)(worker, communication);
  worker.onStart?.({ payload });
  return result;
}

function runModule(source: string, payload: unknown): unknown {
  const run = new Function(`${source.replace("export default ", "return ")}`)() as (
    p: unknown,
    unit: unknown,
  ) => unknown;
  return run(payload, { progress: () => undefined });
}

function template(key: string) {
  const found = TEMPLATES.find((each) => each.key === key);
  if (!found) throw new Error(`no template ${key}`);
  return found["workunit.source"];
}

test("the pi template computes pi", () => {
  const digits = [0, 8, 16, 24].map((n) => runClassic(template("pi"), { n, digits: 8 })).join("");
  expect(digits).toBe("243F6A8885A308D313198A2E03707344");
});

test("the pi template is right far out, too", () => {
  expect(runClassic(template("pi"), { n: 999, digits: 8 })).toBe("349F1C09");
});

test("eleven queens have 2680 ways", () => {
  const ways = Array.from(
    { length: 11 },
    (_, first) => runModule(template("queens"), { n: 11, first }) as { ways: number },
  );
  expect(ways.reduce((sum, each) => sum + each.ways, 0)).toBe(2680);
});

test("an undamped oscillator keeps its energy and a damped one loses it", () => {
  const energy = (damping: number) =>
    (runModule(template("sweep"), { damping, frequency: 2, time: 3 }) as { energy: number }).energy;
  expect(energy(0)).toBeCloseTo(4, 2);
  expect(energy(1)).toBeLessThan(0.1);
});

test("every template's payloads are JSON", () => {
  for (const { payloads } of TEMPLATES) expect(() => JSON.parse(payloads)).not.toThrow();
});
