// Users and their roles, for admins.

import { useState } from "preact/hooks";
import * as format from "../format";
import { may, me, ROLES } from "../me";
import { Needs } from "../needs";
import { Confirm, Trouble } from "../parts";
import { MIN_PASSWORD, reason, remove, send, type User } from "./model";
import { Field, Form, RoleField, useList } from "./parts";

export function Users() {
  return (
    <section aria-labelledby="users">
      <h2 id="users">Users</h2>
      {may("admin") ? <List /> : <Needs least="admin">Users</Needs>}
    </section>
  );
}

function List() {
  const { list, trouble, reread } = useList<User>("/api/users");
  if (list === null) return <Trouble text={trouble} />;
  return (
    <>
      <Trouble text={trouble} />
      {list.items.length === 0 && (
        <p>
          There are no users yet. Whoever has the manager's own token is admin; make a user for yourself and for
          everybody else who is to work here.
        </p>
      )}
      <ul class="people" aria-label="Users">
        {list.items.map((user) => (
          <Row key={user.name} user={user} onChange={reread} />
        ))}
      </ul>
      <NewUser isFirst={list.items.length === 0} onDone={reread} />
    </>
  );
}

function Row({ user, onChange }: { user: User; onChange: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const path = `/api/users/${encodeURIComponent(user.name)}`;
  const act = (work: () => Promise<unknown>) =>
    work().then(
      () => {
        setTrouble(null);
        onChange();
      },
      (error: unknown) => {
        setTrouble(reason(error));
        onChange();
      },
    );
  const isMe = me.value?.name === user.name;
  return (
    <li data-user={user.name}>
      <span>
        <strong>{user.name}</strong>
        {isMe && " (you)"}
        {user.disabled && (
          <span class="chip state-failed">
            <span aria-hidden="true">⊘</span> disabled
          </span>
        )}{" "}
        <span class="hint">since {format.when(user.created_at)}</span>
      </span>
      <span class="actions">
        <label class="unseen" for={`role-${user.name}`}>
          Role of {user.name}
        </label>
        <select
          id={`role-${user.name}`}
          value={user.role}
          onChange={(event) => void act(() => send("PATCH", path, { role: event.currentTarget.value }))}
        >
          {ROLES.map((role) => (
            <option key={role} value={role} selected={role === user.role}>
              {role}
            </option>
          ))}
        </select>
        <button type="button" onClick={() => void act(() => send("PATCH", path, { disabled: !user.disabled }))}>
          {user.disabled ? "Enable" : "Disable"}
          <span class="unseen"> {user.name}</span>
        </button>
        <button type="button" class="danger" onClick={() => setAsking(true)}>
          Remove<span class="unseen"> {user.name}</span>
        </button>
      </span>
      <Trouble text={trouble} />
      {isAsking && (
        <Confirm
          title={`Remove ${user.name}?`}
          action="Remove"
          onAnswer={(isYes) => {
            setAsking(false);
            if (isYes) void act(() => remove(path));
          }}
        >
          Their sessions end and their API tokens are worth nothing. Their tasks stay.
        </Confirm>
      )}
    </li>
  );
}

function NewUser({ isFirst, onDone }: { isFirst: boolean; onDone: () => void }) {
  const make = ({ name, role, password }: Record<string, string>) =>
    send("POST", "/api/users", { name: (name ?? "").trim().toLowerCase(), role, password });
  return (
    <details open={isFirst}>
      <summary>{isFirst ? "Make the first user" : "Add a user"}</summary>
      <Form label="Add a user" action="Add" send={make} done={onDone}>
        <Field id="user-name" label="Name" name="name" maxlength={32} autocapitalize="none" spellcheck={false} />
        <RoleField id="user-role" chosen={isFirst ? "admin" : "viewer"} />
        <Field
          id="user-password"
          label="Password"
          name="password"
          type="password"
          autocomplete="new-password"
          minlength={MIN_PASSWORD}
          maxlength={200}
          hint="10 characters or more. They can change it here once they have signed in."
        />
      </Form>
    </details>
  );
}
