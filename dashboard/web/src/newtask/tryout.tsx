// "Test": the first payload in this tab, in the sandbox that volunteers have, twice. What came of it is shown, and may be launched.

import { useEffect, useRef, useState } from "preact/hooks";
import * as format from "../format";
import type { Draft } from "./draft";
import type { PreviewState } from "./preview";
import {
  isSame,
  type Outcome,
  type Subject,
  shownValue,
  type TrialResult,
  timeoutAfter,
  tryoutModule,
  tryTwice,
} from "./trial";
import { codeBytes } from "./wasm";

const DEFAULT_MEMORY_MB = 64;
const DEFAULT_TIMEOUT_S = 60;

export interface TrialState {
  outcome: Outcome | null;
  /** Seconds of the longer run, when both ended well. */
  seconds: number | null;
  passed: boolean;
  told: string;
  trouble: string;
  busy: boolean;
  /** The payloads are being asked for: what is known of them is of before. */
  isAsked: boolean;
  run: () => void;
  stop: () => void;
}

/** What a test holds for: a change of any of it makes the test a thing of the past. */
function signatureOf(draft: Draft): string {
  const names = [
    "workunit.language",
    "workunit.source",
    "workunit.output",
    "workunit.clock",
    "workunit.runtime",
  ] as const;
  return JSON.stringify([...names.map((name) => draft[name]), draft.wasm, draft.wasmHash, draft.payloads]);
}

export function useTrial(draft: Draft, { preview, busy: isAsked }: PreviewState): TrialState {
  const [kept, setKept] = useState<{ signature: string; outcome: Outcome } | null>(null);
  const [told, setTold] = useState("");
  const [trouble, setTrouble] = useState("");
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => running.current?.abort(), []);
  const signature = signatureOf(draft);
  const outcome = kept?.signature === signature ? kept.outcome : null;
  const first = isAsked ? undefined : preview?.first[0];

  async function run(): Promise<void> {
    if (isAsked) return; // the payload that is known is another spec's
    if (first === undefined) return setTrouble("There is no payload to try: correct the payloads first.");
    const control = new AbortController();
    running.current = control;
    setBusy(true);
    setTrouble("");
    setKept(null);
    try {
      const done = await tryTwice(await subjectOf(draft, first), setTold, control.signal);
      setKept({ signature, outcome: done });
    } catch (error) {
      setTrouble(control.signal.aborted ? "The test was stopped." : (error as Error).message);
    } finally {
      setBusy(false);
      setTold("");
    }
  }
  const passed = outcome?.passed === true;
  const seconds = passed ? Math.max(...outcome.runs.map((each) => each.seconds ?? 0)) : null;
  return {
    outcome,
    seconds,
    passed,
    told,
    trouble,
    busy,
    isAsked,
    run: () => void run(),
    stop: () => running.current?.abort(),
  };
}

async function subjectOf(draft: Draft, payload: string): Promise<Subject> {
  const language = draft["workunit.language"];
  const { toBase64 } = await tryoutModule();
  const code =
    language === "wasm"
      ? await codeBytes(draft.wasm, draft.wasmHash)
      : new TextEncoder().encode(draft["workunit.source"]);
  if (code.length === 0) throw new Error("There is no code to try yet.");
  return {
    language,
    code: toBase64(code),
    payload,
    timeout_s: Number(draft["policy.unit_timeout_s"]) || DEFAULT_TIMEOUT_S,
    memory_mb: Number(draft["policy.requires.memory_mb"]) || DEFAULT_MEMORY_MB,
    terms: { output: draft["workunit.output"], clock: draft["workunit.clock"] },
  };
}

interface Props {
  trial: TrialState;
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

export function TrialView({ trial, draft, set }: Props) {
  const { outcome, busy, isAsked, told, trouble } = trial;
  const isNative = draft["workunit.language"] === "python" && draft["workunit.runtime"] === "native";
  return (
    <>
      <p class="hint">
        Payload #0 runs here, in this tab, in the very sandbox that volunteers have: without network, files and this
        page. Twice, each time in a new one, to see whether the results are the same.
      </p>
      {isNative && <p class="warning">⚠ Native Python runs on machines alone: try it with disio test.</p>}
      <p class="actions">
        <button type="button" disabled={busy || isNative || isAsked} onClick={trial.run}>
          {busy ? "Testing…" : "Test on payload #0"}
        </button>
        {busy && (
          <button type="button" onClick={trial.stop}>
            Stop
          </button>
        )}
      </p>
      <div role="status" class="trial">
        {told}
        {trouble && <p class="error">✕ {trouble}</p>}
        {outcome && <Verdict outcome={outcome} />}
      </div>
      {outcome?.runs.map((run, at) => (
        <Run key={String(at)} run={run} number={at + 1} />
      ))}
      {trial.seconds !== null && <Timeout seconds={trial.seconds} draft={draft} set={set} />}
    </>
  );
}

function Verdict({ outcome: { passed, verdict, runs } }: { outcome: Outcome }) {
  if (!passed) return <p class="error">✕ {verdict}</p>;
  return isSame(runs) ? <p class="state-done">✓ {verdict}</p> : <p class="warning">⚠ {verdict}</p>;
}

function Run({ run, number }: { run: TrialResult; number: number }) {
  const value = run.value === null ? null : shownValue(run.value);
  return (
    <details class="run" open={number === 1 || run.kind !== "ok"}>
      <summary>
        Run {number}: {run.kind === "ok" ? "✓ ok" : `✕ ${run.kind}`}
        {run.seconds !== null && `, ${format.runTime(run.seconds)}`}
        {value && `, ${format.bytes(value.bytes)} of result`}
      </summary>
      {run.error && <pre class="failed">{run.error}</pre>}
      {value && <pre>{value.text}</pre>}
      {run.logs.length > 0 && (
        <>
          <h3>Log</h3>
          <pre>{run.logs.join("\n")}</pre>
        </>
      )}
    </details>
  );
}

function Timeout({ seconds, draft, set }: { seconds: number } & Omit<Props, "trial">) {
  const wanted = String(timeoutAfter(seconds));
  if (draft["policy.unit_timeout_s"] === wanted) return null;
  return (
    <p>
      Five times this run is {wanted} s (10 s at least).{" "}
      <button type="button" onClick={() => set({ "policy.unit_timeout_s": wanted })}>
        Take it as the unit timeout
      </button>
    </p>
  );
}
