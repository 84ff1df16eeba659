// How a task's hand-outs went: counters that explain themselves to the mouse, the keyboard, a finger and a screen reader.

import * as format from "../format";
import type { Task } from "../model";

type Key = "lost" | "tries_failed" | "invalid" | "copies";

export const COUNTERS: { key: Key; label: string; meaning: string }[] = [
  {
    key: "lost",
    label: "lost",
    meaning:
      "Hand-outs whose client went away or fell silent. The payload is handed out again; lost never counts as failed.",
  },
  {
    key: "tries_failed",
    label: "failed tries",
    meaning:
      "Tries in which the code raised an error, ran out of time or broke a limit. A payload fails for good after as many tries as the policy allows.",
  },
  {
    key: "invalid",
    label: "invalid",
    meaning: "Results that differed from the accepted one of their payload. They are kept as evidence and not used.",
  },
  {
    key: "copies",
    label: "copies",
    meaning:
      "Second hand-outs of payloads that took much longer than the others. The first result counts, the other one is cancelled.",
  },
];

/** Those the manager told, in their order. */
export function toldOf(task: Pick<Task, Key>) {
  return COUNTERS.flatMap(({ key, ...rest }) => {
    const value = task[key];
    return value === undefined ? [] : [{ key, value, ...rest }];
  });
}

export function Counters({ task }: { task: Task }) {
  const told = toldOf(task);
  if (told.length === 0) return null;
  return (
    <ul class="counters" aria-label="Hand-outs">
      {told.map(({ key, label, meaning, value }) => (
        <li key={key}>
          <button type="button" class="quiet counter" aria-describedby={`about-${key}`}>
            <span class="mono">{format.count(value)}</span> {label}
          </button>
          <span role="tooltip" id={`about-${key}`} class="tip">
            {meaning}
          </span>
        </li>
      ))}
    </ul>
  );
}
