// Small pieces that several pages show. A state is always colour, glyph and word together.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import * as format from "./format";
import type { Distributor, Task, TaskState } from "./model";
import { useQuestion } from "./question";

const GLYPHS: Record<string, string> = {
  queued: "○",
  running: "▶",
  paused: "‖",
  done: "✓",
  failed: "✕",
  cancelled: "⊘",
  expired: "⏱",
  online: "●",
  offline: "✕",
  draining: "◐",
  refused: "⊘",
};

export function StateChip({ state }: { state: TaskState | Distributor["state"] }) {
  return (
    <span class={`chip state-${state}`}>
      <span aria-hidden="true">{GLYPHS[state]}</span> {state}
    </span>
  );
}

export function Progress({ task }: { task: Task }) {
  const label = `${format.count(task.done)} of ${format.count(task.total)} done, ${format.count(task.failed)} failed`;
  const total = Math.max(1, task.total);
  return (
    <svg class="progress" viewBox="0 0 1000 8" preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="bar-rest" width="1000" height="8" />
      <rect
        class="bar-leased"
        width={(1000 * Math.min(total, task.done + task.failed + task.leased)) / total}
        height="8"
      />
      <rect class="bar-failed" width={(1000 * (task.done + task.failed)) / total} height="8" />
      <rect class="bar-done" width={(1000 * task.done) / total} height="8" />
    </svg>
  );
}

/** Names the page in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · disio`;
  }, [title]);
}

interface Question {
  title: string;
  action: string;
  children: ComponentChildren;
  onAnswer: (isYes: boolean) => void;
}

/** Asks before something that cannot be undone; Escape is no. */
export function Confirm({ title, action, children, onAnswer }: Question) {
  return (
    <dialog {...useQuestion(onAnswer)} aria-labelledby="question">
      <h2 id="question">{title}</h2>
      <p>{children}</p>
      <form method="dialog" class="actions">
        <button value="no" type="submit">
          Keep it
        </button>
        <button value="yes" type="submit" class="danger">
          {action}
        </button>
      </form>
    </dialog>
  );
}

export function Trouble({ text }: { text: string | null }) {
  return text === null ? null : (
    <p class="trouble" role="alert">
      <span aria-hidden="true">✕</span> {text}
    </p>
  );
}
