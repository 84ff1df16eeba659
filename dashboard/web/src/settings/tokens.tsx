// API tokens: for programs, shown once.

import { useState } from "preact/hooks";
import { useCopy } from "../copying";
import * as format from "../format";
import { may, me } from "../me";
import { Confirm, Trouble } from "../parts";
import { type ApiToken, reason, remove, send } from "./model";
import { Field, Form, RoleField, useList } from "./parts";

export function Tokens() {
  const [isAll, setAll] = useState(false);
  const { list, trouble, reread } = useList<ApiToken>(isAll ? "/api/tokens?all=true" : "/api/tokens");
  const [made, setMade] = useState<ApiToken | null>(null);
  const make = async ({ label, role, days }: Record<string, string>) =>
    setMade(await send<ApiToken>("POST", "/api/tokens", { label, role, days: Number(days) }));
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">API tokens</h2>
      <p class="hint">
        For programs: <code>disio … --token-file FILE</code>, the Python SDK, or <code>Authorization: Bearer</code>. A
        token may at most what you may.
      </p>
      {made !== null && <Made token={made} onSeen={() => setMade(null)} />}
      {may("admin") && (
        <label class="tick">
          <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.currentTarget.checked)} /> those of
          everybody
        </label>
      )}
      <Trouble text={trouble} />
      {list?.items.length === 0 && <p>{isAll ? "There are none." : "You have none."}</p>}
      <ul class="people" aria-label="API tokens">
        {list?.items.map((token) => (
          <Row key={token.id} token={token} onChange={reread} />
        ))}
      </ul>
      {me.value?.how === "token" ? (
        <p class="hint">An API token makes no other ones: sign in with name and password to make one.</p>
      ) : (
        <details>
          <summary>Make a token</summary>
          <Form label="Make a token" action="Make it" send={make} done={reread}>
            <Field id="token-label" label="What it is for" name="label" maxlength={100} />
            <RoleField id="token-role" />
            <Field
              id="token-days"
              label="Days until it ends"
              name="days"
              type="number"
              min="1"
              max="3660"
              defaultValue="90"
            />
          </Form>
        </details>
      )}
    </section>
  );
}

function Made({ token, onSeen }: { token: ApiToken; onSeen: () => void }) {
  const secret = token.secret ?? "";
  const { ref, told, copy } = useCopy<HTMLElement>(secret);
  return (
    <div class="made" role="status">
      <p>
        <strong>{token.label}</strong>: this is shown once. Keep it where only your program can read it.
      </p>
      <p>
        <code ref={ref} class="value" data-secret>
          {secret}
        </code>
      </p>
      <p class="actions">
        <button type="button" class="primary" onClick={copy}>
          Copy
        </button>
        <button type="button" onClick={onSeen}>
          I have it
        </button>
        <span>{told}</span>
      </p>
    </div>
  );
}

function Row({ token, onChange }: { token: ApiToken; onChange: () => void }) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const isOver = token.expires_at * 1000 <= Date.now();
  const revoke = () => remove(`/api/tokens/${token.id}`).then(onChange, (error: unknown) => setTrouble(reason(error)));
  return (
    <li data-token={token.id}>
      <span>
        <strong>{token.label}</strong> <span class="mono">{token.role}</span>{" "}
        <span class="hint">
          {token.owner === "" ? "belongs to nobody" : `of ${token.owner}`}, {isOver ? "ended" : "ends"}{" "}
          {format.when(token.expires_at)},{" "}
          {token.used_at === token.created_at ? "never used" : `last used ${format.when(token.used_at)}`}
        </span>
      </span>
      <button type="button" class="danger" onClick={() => setAsking(true)}>
        Revoke<span class="unseen"> {token.label}</span>
      </button>
      <Trouble text={trouble} />
      {isAsking && (
        <Confirm
          title={`Revoke ${token.label}?`}
          action="Revoke"
          onAnswer={(isYes) => {
            setAsking(false);
            if (isYes) void revoke();
          }}
        >
          Programs that use it are refused from then on.
        </Confirm>
      )}
    </li>
  );
}
