// Who one is: password, and where one is signed in.

import { useState } from "preact/hooks";
import { signOut } from "../api";
import * as format from "../format";
import { me } from "../me";
import { Trouble } from "../parts";
import { MIN_PASSWORD, programName, reason, remove, type SignIn, send } from "./model";
import { Field, Form, useList } from "./parts";

const HOW = {
  session: "with name and password",
  token: "with an API token",
  machine: "with the manager's own token (admin.token, or the link that disio up printed)",
};

export function Account() {
  const who = me.value;
  if (who === null) return null;
  const isUser = who.how === "session";
  return (
    <section aria-labelledby="account">
      <h2 id="account">You</h2>
      <p>
        <strong>{who.name}</strong>, role <strong>{who.role}</strong>, signed in {HOW[who.how ?? "machine"]}.
      </p>
      {isUser ? (
        <>
          <Password name={who.name} />
          <Sessions />
        </>
      ) : (
        <p class="hint">There is no password to change and no session of a user to end.</p>
      )}
    </section>
  );
}

function Password({ name }: { name: string }) {
  const [isDone, setDone] = useState(false);
  const change = async ({ old_password, new_password, again }: Record<string, string>) => {
    setDone(false);
    if (new_password !== again) throw new Error("The new passwords are not the same.");
    await send("PATCH", "/api/me", { old_password, new_password });
  };
  return (
    <details>
      <summary>Change your password</summary>
      <Form label="Change your password" action="Change it" send={change} done={() => setDone(true)}>
        <input type="hidden" name="username" autocomplete="username" value={name} />
        <Field
          id="old"
          label="Old password"
          name="old_password"
          type="password"
          autocomplete="current-password"
          maxlength={200}
        />
        <Field
          id="new"
          label="New password"
          name="new_password"
          type="password"
          autocomplete="new-password"
          minlength={MIN_PASSWORD}
          maxlength={200}
          hint="10 characters or more; length is what counts. Your other sessions end."
        />
        <Field
          id="again"
          label="New password again"
          name="again"
          type="password"
          autocomplete="new-password"
          maxlength={200}
        />
      </Form>
      <p role="status">{isDone && "✓ Changed. Your other sessions are over."}</p>
    </details>
  );
}

function Sessions() {
  const { list, trouble, reread } = useList<SignIn>("/api/sessions");
  const [failed, setFailed] = useState<string | null>(null);
  const act = (work: () => Promise<unknown>) =>
    work().then(
      () => {
        setFailed(null);
        reread();
      },
      (error: unknown) => setFailed(reason(error)),
    );
  if (list === null) return <Trouble text={trouble} />;
  return (
    <>
      <div class={list.items.length > 1 ? "heading" : undefined}>
        <h3>Where you are signed in</h3>
        {list.items.length > 1 && (
          <button type="button" onClick={() => void act(() => send("DELETE", "/api/sessions"))}>
            End the others
          </button>
        )}
      </div>
      <Trouble text={failed ?? trouble} />
      <ul class="people">
        {list.items.map((session) => (
          <li key={session.id}>
            <span>
              <strong>{session.this ? "This browser" : programName(session.program)}</strong>{" "}
              <span class="hint">
                from {session.address || "an unknown address"}, since {format.when(session.created_at)}, ends{" "}
                {format.when(session.expires_at)} unless it is used
              </span>
            </span>
            <button
              type="button"
              onClick={() => void (session.this ? signOut() : act(() => remove(`/api/sessions/${session.id}`)))}
            >
              {session.this ? "Sign out" : "End it"}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
