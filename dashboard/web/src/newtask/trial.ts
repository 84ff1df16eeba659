// The first payload tried in this very tab: twice, each time in a new sandbox of the kind that volunteers have, and compared.

import { membersOf } from "./more";

/** Served beside this page; made by the browser client's build. */
const MODULE = "/tryout/tryout.mjs";
const BASE = "/tryout";
const RAW_MARK = 0;
const MAX_SHOWN = 4_000;

export interface TrialResult {
  index: number;
  kind: string;
  value: string | null;
  error: string;
  seconds: number | null;
  logs: string[];
}

interface Tryout {
  run(spec: object): Promise<{ results: TrialResult[] }>;
  stop(): void;
}

interface TryoutModule {
  tryout(base: string): Tryout;
  fromBase64(text: string): Uint8Array;
  toBase64(bytes: Uint8Array): string;
  hashOf(file: Blob, told: (share: number) => void): Promise<string>;
}

export interface Subject {
  language: string;
  /** In base64. */
  code: string;
  /** JSON text of the first payload. */
  payload: string;
  timeout_s: number;
  memory_mb: number;
  terms: { output: string; clock: string };
}

export interface Outcome {
  runs: TrialResult[];
  /** What a person is told: a sentence, and whether the unit may be launched. */
  verdict: string;
  passed: boolean;
}

let loading: Promise<TryoutModule> | null = null;

export function tryoutModule(): Promise<TryoutModule> {
  // Not a literal, so that the bundler leaves it to the browser.
  const place: string = MODULE;
  loading ??= (import(place) as Promise<TryoutModule>).catch((error: unknown) => {
    loading = null;
    throw new Error(`The sandbox cannot be loaded: ${(error as Error).message}`);
  });
  return loading;
}

/** A payload as units get it: JSON text, or raw bytes behind one zero byte. */
export function wireOf(payload: string, fromBase64: (text: string) => Uint8Array): Uint8Array {
  const members = membersOf(payload);
  const raw = members?.size === 1 ? members.get("$base64") : undefined;
  if (raw === undefined) return new TextEncoder().encode(payload);
  const bytes = fromBase64(JSON.parse(raw) as string);
  const whole = new Uint8Array(bytes.length + 1);
  whole[0] = RAW_MARK;
  whole.set(bytes, 1);
  return whole;
}

/** Runs it twice; `stopped` ends that at any moment. */
export async function tryTwice(subject: Subject, told: (text: string) => void, stopped: AbortSignal): Promise<Outcome> {
  const module = await tryoutModule();
  const runs: TrialResult[] = [];
  for (const number of [1, 2]) {
    stopped.throwIfAborted();
    told(`Run ${number} of 2${subject.language === "python" ? ": Python starts first" : ""}…`);
    const sandbox = module.tryout(BASE);
    const stop = () => sandbox.stop();
    stopped.addEventListener("abort", stop);
    try {
      // The same name of the task: random numbers follow from it, and both runs must draw the same.
      const { results } = await sandbox.run(specOf(subject, module));
      runs.push(...results);
    } finally {
      stopped.removeEventListener("abort", stop);
      sandbox.stop();
    }
    if (runs.at(-1)?.kind !== "ok") break;
  }
  return { runs, ...verdictOf(runs) };
}

function specOf(subject: Subject, { fromBase64, toBase64 }: TryoutModule): object {
  return {
    language: subject.language,
    code: subject.code,
    task: "trial",
    indexes: [0],
    payloads: [toBase64(wireOf(subject.payload, fromBase64))],
    states: {},
    unit_timeout_s: subject.timeout_s,
    memory_mb: subject.memory_mb,
    terms: subject.terms,
  };
}

const ENDINGS: Record<string, string> = {
  timeout: "It did not end within the unit timeout, and was stopped.",
  memory: "It took more memory than a unit may have, and was stopped.",
  result: "Its result cannot be sent.",
  error: "It failed with an error.",
  crash: "It ended its worker.",
};

export function verdictOf(runs: TrialResult[]): Pick<Outcome, "verdict" | "passed"> {
  const failed = runs.find(({ kind }) => kind !== "ok");
  if (failed) return { passed: false, verdict: ENDINGS[failed.kind] ?? `It ended as ${failed.kind}.` };
  const [first, second] = runs;
  if (!first || !second) return { passed: false, verdict: "It was not run." };
  if (first.value === second.value) return { passed: true, verdict: "Two runs gave the same result, byte for byte." };
  return {
    passed: true,
    verdict: "Two runs gave different results. Volunteers' results are compared: these would never agree.",
  };
}

export function isSame(runs: TrialResult[]): boolean {
  return runs.length === 2 && runs[0]?.value === runs[1]?.value;
}

/** A result in wire form, as people read it. */
export function shownValue(value: string): { text: string; bytes: number } {
  const binary = atob(value);
  if (binary.charCodeAt(0) === RAW_MARK && binary.length > 0) {
    const bytes = binary.length - 1;
    return { bytes, text: `${bytes} raw bytes: ${hex(binary.slice(1, 65))}${bytes > 64 ? " …" : ""}` };
  }
  const text = new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  return { bytes: binary.length, text: text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text };
}

function hex(binary: string): string {
  return Array.from(binary, (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
}

/** What a unit timeout should be after a run of so many seconds: five times that, and at least ten seconds. */
export function timeoutAfter(seconds: number): number {
  return Math.min(86_400, Math.max(10, Math.ceil(5 * seconds)));
}
