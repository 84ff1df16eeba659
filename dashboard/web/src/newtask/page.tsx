// The page that creates a task. What was typed is kept in the browser until the manager has taken it.

import { useEffect, useRef, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import type { FieldError, Task } from "../model";
import { useTitle } from "../parts";
import { go } from "../route";
import {
  ADVANCED,
  type Draft,
  dropDraft,
  EMPTY,
  FIELDS,
  keepDraft,
  loadDraft,
  type PlacedErrors,
  placeErrors,
  toDocument,
} from "./draft";
import { ChoiceField, CodeField, type FormProps, idOf, ManyField, TextField, WasmField } from "./fields";
import { TEMPLATES } from "./templates";

const NO_ERRORS: PlacedErrors = { fields: {}, rest: [] };

export function NewTaskPage() {
  useTitle("New task");
  const { draft, set, fits, replace, undo } = useDraft();
  const { errors, busy, submit, form } = useSubmit(draft);
  const props: FormProps = { draft, errors: errors.fields, set };
  return (
    <>
      <h1>New task</h1>
      <Templates draft={draft} replace={replace} />
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Elsewhere errors={errors.rest} />
        <TextField {...props} field="name" label="Name" />
        <WorkunitFields {...props} />
        <CodeField
          {...props}
          field="payloads"
          label="Payloads (JSON)"
          rows={5}
          hint={
            <>
              One of <code>{'{"list": […]}'}</code>, <code>{'{"range": [start, stop, step]}'}</code>,{" "}
              <code>{'{"grid": {"n": "1-1337", "k": [2, 3], "c": 99}}'}</code>, or <code>zip</code>, <code>random</code>
              , <code>blob</code>
            </>
          }
        />
        <PolicyFields {...props} />
        <CodeField
          {...props}
          field="more"
          label="More (JSON)"
          rows={3}
          hint={
            <>
              What has no field above, such as <code>{'{"tags": ["math"], "policy": {"weight": 2}}'}</code>
            </>
          }
        />
        {!fits && <p class="hint">The draft is too large for this browser to keep: do not close the page.</p>}
        <p class="actions">
          <button type="submit" class="primary" disabled={busy}>
            {busy ? "Creating…" : "Create task"}
          </button>
          <button type="button" onClick={() => replace(EMPTY)}>
            Clear
          </button>
          {undo && (
            <button type="button" onClick={undo}>
              Undo
            </button>
          )}
        </p>
      </form>
    </>
  );
}

function useDraft() {
  const [draft, setDraft] = useState<Draft>(loadDraft);
  const [before, setBefore] = useState<Draft | null>(null);
  const [fits, setFits] = useState(true);
  const set = (change: Partial<Draft>) => {
    const next = { ...draft, ...change };
    setDraft(next);
    setFits(keepDraft(next));
  };
  /** Changes much at once; what was there can be had back. */
  const replace = (change: Partial<Draft>) => {
    setBefore(draft);
    set(change);
  };
  const putBack = (old: Draft) => () => {
    set(old);
    setBefore(null);
  };
  return { draft, set, fits, replace, undo: before && putBack(before) };
}

function useSubmit(draft: Draft) {
  const [errors, setErrors] = useState<PlacedErrors>(NO_ERRORS);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // One key for one content: a repeat after a broken answer creates no second task, a changed form does.
  const key = useRef({ body: "", value: "" });
  useEffect(() => focusFirst(errors, form.current), [errors]);

  async function submit(): Promise<void> {
    const document = toDocument(draft);
    if ("errors" in document) return setErrors(placeErrors(document.errors));
    if (key.current.body !== document.body) key.current = { body: document.body, value: freshKey() };
    setBusy(true);
    try {
      const task = await create(document.body, key.current.value);
      dropDraft();
      go(`/tasks/${encodeURIComponent(task.id)}`);
    } catch (error) {
      setErrors(placeErrors(errorsOf(error)));
      setBusy(false);
    }
  }
  return { errors, busy, submit, form };
}

function create(body: string, key: string): Promise<Task> {
  return callJson<Task>("/api/tasks", { method: "POST", body, headers: { "Idempotency-Key": key } });
}

/** Not randomUUID: browsers offer that one on secure origins only. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}

function errorsOf(error: unknown): FieldError[] {
  if (error instanceof Problem && error.errors.length > 0) return error.errors;
  return [{ path: "", message: (error as Error).message }];
}

function focusFirst({ fields, rest }: PlacedErrors, form: HTMLFormElement | null): void {
  const first = rest.length > 0 ? "elsewhere" : FIELDS.filter((field) => fields[field]).map(idOf)[0];
  if (first) form?.querySelector<HTMLElement>(`#${first}`)?.focus();
}

/** Errors that belong to no field of the form. */
function Elsewhere({ errors }: { errors: FieldError[] }) {
  if (errors.length === 0) return null;
  return (
    <div class="trouble" id="elsewhere" role="alert" tabIndex={-1}>
      <p>
        <span aria-hidden="true">✕</span> The task was not created. What you typed is still here.
      </p>
      <ul>
        {errors.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            {path && <code>{path}</code>} {message}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Templates({ draft, replace }: { draft: Draft; replace: FormProps["set"] }) {
  return (
    <section aria-label="Templates" class="templates">
      {TEMPLATES.map(({ key, label, about, ...content }) => (
        <button
          type="button"
          key={key}
          aria-pressed={draft["workunit.source"] === content["workunit.source"]}
          onClick={() => replace(content)}
        >
          <strong>{label}</strong>
          <span class="hint">{about}</span>
        </button>
      ))}
    </section>
  );
}

function WorkunitFields(props: FormProps) {
  const language = props.draft["workunit.language"];
  return (
    <>
      <ChoiceField
        {...props}
        field="workunit.language"
        label="Language"
        options={[
          ["javascript", "JavaScript"],
          ["python", "Python"],
          ["wasm", "WebAssembly (WASI)"],
        ]}
      />
      {language === "wasm" ? (
        <WasmField {...props} field="workunit.source" label="WebAssembly module" />
      ) : (
        <CodeField {...props} field="workunit.source" label="Code" rows={16} hint={CODE_HINTS[language]} />
      )}
      {language === "wasm" && <WasmTerms {...props} />}
      {language === "python" && (
        <ChoiceField
          {...props}
          field="workunit.runtime"
          label="Runs"
          options={[
            ["sandbox", "In the sandbox, on any client (Pyodide)"],
            ["native", "As native Python, on machines whose owners trust this cluster"],
          ]}
        />
      )}
    </>
  );
}

/** What the bytes that a WebAssembly unit writes are, and which time it sees. */
function WasmTerms(props: FormProps) {
  return (
    <>
      <ChoiceField
        {...props}
        field="workunit.output"
        label="Standard output is"
        options={[
          ["bytes", "Bytes"],
          ["text", "Text"],
          ["json", "JSON"],
        ]}
      />
      <ChoiceField
        {...props}
        field="workunit.clock"
        label="Clock"
        options={[
          ["fixed", "Fixed: the same payload gives the same result"],
          ["real", "Real time"],
        ]}
      />
    </>
  );
}

const CODE_HINTS: Record<string, preact.JSX.Element> = {
  javascript: (
    <>
      An ES module: <code>export default function run(payload, unit) {"{ … }"}</code>, or a classic script with{" "}
      <code>worker.onStart</code>
    </>
  ),
  python: (
    <>
      A file with <code>def run(payload, unit):</code>
    </>
  ),
};

function PolicyFields(props: FormProps) {
  return (
    <fieldset class="policy">
      <legend>Policy</legend>
      <TextField {...props} numeric field="policy.priority" label="Priority" hint="−1000 to 1000; higher goes first" />
      <TextField {...props} numeric field="policy.unit_timeout_s" label="Unit timeout (s)" hint="for one payload" />
      <TextField {...props} numeric field="policy.max_failures" label="Max failures" hint="of one payload" />
      <TextField {...props} numeric field="policy.max_distributors" label="Max distributors" hint="0 = any number" />
      <ManyField
        {...props}
        field="policy.requires.kinds"
        label="Clients"
        options={[
          ["web", "Browsers"],
          ["cli", "Machines"],
        ]}
      />
      <AdvancedFields {...props} />
    </fieldset>
  );
}

function AdvancedFields(props: FormProps) {
  const [isOpen, setOpen] = useState(false);
  const hasErrors = ADVANCED.some((field) => props.errors[field]);
  return (
    <details class="advanced" open={isOpen || hasErrors} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Advanced</summary>
      <div class="columns">
        <TextField
          {...props}
          numeric
          field="policy.max_lost"
          label="Max lost"
          hint="hand-outs of one payload whose client went away, before it fails"
        />
        <ChoiceField
          {...props}
          field="policy.when_exhausted"
          label="When nothing is left to hand out"
          options={[
            ["repeat", "Check results again"],
            ["wait", "Wait for the manager"],
          ]}
        />
        <TextField
          {...props}
          numeric
          field="policy.max_redundancy"
          label="Max redundancy"
          hint="results of one payload, when results are checked again"
        />
      </div>
    </details>
  );
}
