// What the parts of this page share: a list that is read, a form that is sent, and what one's role does not allow.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { callJson } from "../api";
import { me, ROLES, type Role } from "../me";
import { Trouble } from "../parts";
import { type List, reason } from "./model";

interface Read<Item> {
  list: List<Item> | null;
  trouble: string | null;
  reread: () => void;
}

/** Reads a list, and again whenever it is told to. */
export function useList<Item>(path: string): Read<Item> {
  const [list, setList] = useState<List<Item> | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const reread = useCallback(() => {
    callJson<List<Item>>(path).then(
      (told) => {
        setList(told);
        setTrouble(null);
      },
      (error: unknown) => setTrouble(reason(error)),
    );
  }, [path]);
  useEffect(reread, [reread]);
  return { list, trouble, reread };
}

interface FormProps {
  label: string;
  action: string;
  send: (values: Record<string, string>) => Promise<unknown>;
  done: () => void;
  children: ComponentChildren;
}

/** A form that says what is wrong with it, and is empty again once it went through. */
export function Form({ label, action, send, done, children }: FormProps) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    setBusy(true);
    send(values)
      .then(
        () => {
          setTrouble(null);
          form.reset();
          done();
        },
        (error: unknown) => setTrouble(reason(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <form class="person-form" aria-label={label} onSubmit={submit}>
      {children}
      <button type="submit" class="primary" disabled={isBusy}>
        {action}
      </button>
      <Trouble text={trouble} />
    </form>
  );
}

interface FieldProps {
  id: string;
  label: string;
  name: string;
  type?: "text" | "password" | "number";
  autocomplete?: string;
  hint?: string;
  [attribute: string]: unknown;
}

export function Field({ id, label, name, type = "text", autocomplete = "off", hint, ...more }: FieldProps) {
  return (
    <div class="person-field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        autocomplete={autocomplete}
        aria-describedby={hint ? `${id}-hint` : undefined}
        required
        {...({ type, ...more } as object)}
      />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

const MEANING: Record<Role, string> = {
  viewer: "looks at everything",
  researcher: "and works on own tasks",
  operator: "and works on all tasks and the fleet",
  admin: "and on users",
};

/** The roles that somebody may give: none above their own. */
export function RoleField({ id, chosen = "viewer" }: { id: string; chosen?: Role }) {
  const most = me.value === null ? 0 : ROLES.indexOf(me.value.role);
  return (
    <div class="person-field">
      <label for={id}>Role</label>
      <select id={id} name="role">
        {ROLES.slice(0, most + 1).map((role) => (
          <option key={role} value={role} selected={role === chosen}>
            {role}: {MEANING[role]}
          </option>
        ))}
      </select>
    </div>
  );
}
