// What can be changed of a task while it runs.

import { useState } from "preact/hooks";
import { call, Problem } from "../api";
import { mayChange } from "../me";
import { isOver, type Task } from "../model";
import { NotYours } from "../needs";

export function TaskSettings({ task, onDone }: { task: Task; onDone: () => void }) {
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      <Changes {...{ task, onDone }} />
      <h3>Policy</h3>
      <pre>{JSON.stringify(task.policy ?? {}, null, 2)}</pre>
    </section>
  );
}

function Changes({ task, onDone }: { task: Task; onDone: () => void }) {
  if (isOver(task.state)) return <p class="hint">The task is over: nothing can be changed.</p>;
  return mayChange(task.owner) ? <Form {...{ task, onDone }} /> : <NotYours />;
}

function Form({ task, onDone }: { task: Task; onDone: () => void }) {
  const [told, setTold] = useState<{ isFine: boolean; text: string } | null>(null);
  async function save(form: HTMLFormElement): Promise<void> {
    const given = new FormData(form);
    const policy = { priority: Number(given.get("priority")), weight: Number(given.get("weight")) };
    try {
      await call(`/api/tasks/${encodeURIComponent(task.id)}`, { method: "PATCH", body: JSON.stringify({ policy }) });
      setTold({ isFine: true, text: "Saved." });
      onDone();
    } catch (error) {
      setTold({ isFine: false, text: error instanceof Problem ? error.message : String(error) });
    }
  }
  return (
    <form
      class="lookup"
      onSubmit={(event) => {
        event.preventDefault();
        void save(event.currentTarget);
      }}
    >
      <label for="priority">Priority</label>
      <input
        id="priority"
        name="priority"
        type="text"
        inputMode="numeric"
        defaultValue={String(task.policy?.priority ?? 0)}
      />
      <label for="weight">Weight</label>
      <input
        id="weight"
        name="weight"
        type="text"
        inputMode="decimal"
        defaultValue={String(task.policy?.weight ?? 1)}
      />
      <button type="submit" class="primary">
        Save
      </button>
      <p role="status" class={told && !told.isFine ? "error" : "hint"}>
        {told?.text}
      </p>
    </form>
  );
}
