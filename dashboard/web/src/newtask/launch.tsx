// The end of the form: how long it may take, the same task as a command and as a program, and the button.

import { useState } from "preact/hooks";
import { useCopy } from "../copying";
import { stats } from "../feed";
import * as format from "../format";
import { type Draft, toDocument } from "./draft";
import { asCommand, asPython, forecast } from "./forecast";
import type { PreviewState } from "./preview";
import type { TrialState } from "./tryout";

const MAX_SHOWN = 6_000;

export function Forecast({ trial, state }: { trial: TrialState; state: PreviewState }) {
  const slots = stats.value?.slots ?? null;
  const guess = forecast(trial.seconds, state.preview?.count ?? null, slots, format);
  if (guess) return <p>{guess.text}</p>;
  const why =
    trial.seconds === null
      ? "Test the unit, and this says how long the task may take."
      : "No client is connected now: nobody can say how long the task will take.";
  return <p class="hint">{why}</p>;
}

export function Equivalents({ draft }: { draft: Draft }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="equivalents" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The same as a command, and in Python</summary>
      {isOpen && <EquivalentTexts draft={draft} />}
    </details>
  );
}

function EquivalentTexts({ draft }: { draft: Draft }) {
  const document = toDocument(draft);
  if ("errors" in document) return <p class="hint">Correct what is no JSON first.</p>;
  return (
    <>
      <Copied title="In a shell" text={asCommand(document.body)} />
      <Copied title="In Python" text={asPython(document.body)} />
    </>
  );
}

function Copied({ title, text }: { title: string; text: string }) {
  const { ref, told, copy } = useCopy<HTMLPreElement>(text);
  const isCut = text.length > MAX_SHOWN;
  return (
    <section aria-label={title}>
      <div class="heading">
        <h3>{title}</h3>
        <span class="actions">
          <span role="status">{told}</span>
          <button type="button" onClick={copy}>
            Copy
          </button>
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to get there */}
      <pre ref={ref} tabIndex={0}>
        {isCut ? `${text.slice(0, MAX_SHOWN)}…` : text}
      </pre>
      {isCut && (
        <p class="hint">
          {format.count(MAX_SHOWN)} of {format.count(text.length)} characters shown; Copy takes all of them.
        </p>
      )}
    </section>
  );
}

interface LaunchProps {
  trial: TrialState;
  busy: boolean;
  clear: () => void;
  undo: (() => void) | null;
}

/** The button: for units that passed their test, or for who says that it goes without. */
export function Launch({ trial, busy, clear, undo }: LaunchProps) {
  const [isUntested, setUntested] = useState(false);
  const isReady = trial.passed || isUntested;
  return (
    <>
      {!trial.passed && (
        <label class="tick">
          <input type="checkbox" checked={isUntested} onChange={(event) => setUntested(event.currentTarget.checked)} />{" "}
          Launch untested
        </label>
      )}
      <p class="actions">
        <button type="submit" class="primary" disabled={busy || !isReady} aria-describedby="launch-hint">
          {busy ? "Launching…" : "Launch"}
        </button>
        <button type="button" onClick={clear}>
          Clear
        </button>
        {undo && (
          <button type="button" onClick={undo}>
            Undo
          </button>
        )}
      </p>
      <p class="hint" id="launch-hint">
        {isReady ? "The task starts at once." : "Test it first, or tick “Launch untested”."}
      </p>
    </>
  );
}
