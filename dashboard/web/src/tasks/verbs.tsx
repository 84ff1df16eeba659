// The buttons that change a task; those that cannot be undone ask first.

import { useState } from "preact/hooks";
import { call, Problem } from "../api";
import { mayChange } from "../me";
import { type Task, type Verb, verbsOf } from "../model";
import { Confirm, Trouble } from "../parts";

const LABELS: Record<Verb, string> = {
  pause: "Pause",
  resume: "Resume",
  retry: "Retry",
  cancel: "Cancel",
  delete: "Delete",
};
const WARNINGS: Partial<Record<Verb, string>> = {
  cancel: "No further payload is handed out and running units are stopped. Results so far stay. This cannot be undone.",
  delete: "The task and all its results are removed. This cannot be undone.",
};

interface Props {
  task: Task;
  onDone: (verb: Verb) => void;
}

export function Verbs({ task, onDone }: Props) {
  const [asked, setAsked] = useState<Verb | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function perform(verb: Verb): Promise<void> {
    setBusy(true);
    try {
      await apply(task.id, verb);
      setTrouble(null);
      onDone(verb);
    } catch (error) {
      setTrouble(error instanceof Problem ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  if (!mayChange(task.owner)) return null;
  return (
    <div class="verbs">
      {verbsOf(task).map((verb) => (
        <button
          type="button"
          key={verb}
          disabled={busy}
          aria-label={`${LABELS[verb]} task ${task.name}`}
          onClick={() => (WARNINGS[verb] ? setAsked(verb) : void perform(verb))}
        >
          {LABELS[verb]}
        </button>
      ))}
      {asked && (
        <Confirm
          title={`${LABELS[asked]} “${task.name}”?`}
          action={`${LABELS[asked]} task`}
          onAnswer={(isYes) => {
            setAsked(null);
            if (isYes) void perform(asked);
          }}
        >
          {WARNINGS[asked]}
        </Confirm>
      )}
      <Trouble text={trouble} />
    </div>
  );
}

async function apply(id: string, verb: Verb): Promise<void> {
  const path = `/api/tasks/${encodeURIComponent(id)}`;
  await (verb === "delete" ? call(path, { method: "DELETE" }) : call(`${path}/${verb}`, { method: "POST" }));
}
