// The page that creates a task. What was typed is kept in the browser until the manager has taken it.

import { useEffect, useRef, useState } from "preact/hooks";
import { callJson, Problem } from "../api";
import { may, me } from "../me";
import type { FieldError, Task } from "../model";
import { Needs } from "../needs";
import { Trouble, useTitle } from "../parts";
import { go, query, setQuery } from "../route";
import { PayloadBuilder } from "./builder";
import { draftOf } from "./clone";
import {
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
import { CodeEditor } from "./editor";
import { ChoiceField, type FormProps, idOf, TextField } from "./fields";
import { Gallery } from "./gallery";
import { Equivalents, Forecast, Launch } from "./launch";
import { MoreField, PolicyFields } from "./policy";
import { usePreview } from "./preview";
import { TrialView, useTrial } from "./tryout";
import { takeWasm, WasmFields, WasmTerms } from "./wasm";

const NO_ERRORS: PlacedErrors = { fields: {}, rest: [] };

export function NewTaskPage() {
  useTitle("New task");
  // Not even the form: the manager would refuse, and note, each check of what is typed.
  if (may("researcher")) return <NewTask />;
  return (
    <>
      <h1>New task</h1>
      {me.value === null ? <p aria-busy="true">Opening…</p> : <Needs least="researcher">New tasks</Needs>}
    </>
  );
}

function NewTask() {
  const { draft, set, fits, replace, undo, trouble } = useDraft();
  const { errors, busy, submit, form } = useSubmit(draft);
  const preview = usePreview(draft.payloads);
  const trial = useTrial(draft, preview);
  const [told, tell] = useState("");
  const props: FormProps = { draft, errors: errors.fields, set };
  return (
    <>
      <h1>New task</h1>
      <Trouble text={trouble} />
      <Gallery draft={draft} replace={replace} />
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Elsewhere errors={errors.rest} />
        <section aria-labelledby="code" onDragOver={(event) => event.preventDefault()} onDrop={dropped(set, tell)}>
          <h2 id="code">1. Code</h2>
          <TextField {...props} field="name" label="Name" />
          <WorkunitFields {...props} told={told} tell={tell} />
        </section>
        <section aria-labelledby="payloads">
          <h2 id="payloads">2. Payloads</h2>
          <PayloadBuilder {...props} state={preview} />
        </section>
        <section aria-labelledby="trial">
          <h2 id="trial">3. Test</h2>
          <TrialView trial={trial} draft={draft} set={set} />
        </section>
        <section aria-labelledby="launch">
          <h2 id="launch">4. Policy and launch</h2>
          <PolicyFields {...props} />
          <MoreField {...props} />
          <Forecast trial={trial} state={preview} />
          <Equivalents draft={draft} />
          {!fits && <p class="hint">The draft is too large for this browser to keep: do not close the page.</p>}
          <Launch trial={trial} busy={busy} clear={() => replace(EMPTY)} undo={undo} />
        </section>
      </form>
    </>
  );
}

/** A WebAssembly file that is dropped on the code becomes the code. */
function dropped(set: FormProps["set"], tell: (text: string) => void) {
  return (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    if (file.name.endsWith(".wasm")) void takeWasm(file, set, tell);
    else void file.text().then((source) => set({ "workunit.source": source, ...languageOf(file.name) }));
  };
}

function languageOf(name: string): Partial<Draft> {
  return name.endsWith(".py") ? { "workunit.language": "python" } : { "workunit.language": "javascript" };
}

function useDraft() {
  const [draft, setDraft] = useState<Draft>(loadDraft);
  const [before, setBefore] = useState<Draft | null>(null);
  const [fits, setFits] = useState(true);
  const [trouble, setTrouble] = useState<string | null>(null);
  const latest = useRef(draft);
  const set = (change: Partial<Draft>) => {
    // What comes late, an upload for instance, changes the form as it stands then.
    latest.current = { ...latest.current, ...change };
    setDraft(latest.current);
    setFits(keepDraft(latest.current));
  };
  /** Changes much at once; what was there can be had back. */
  const replace = (change: Partial<Draft>) => {
    setBefore(latest.current);
    set(change);
  };
  const putBack = (old: Draft) => () => {
    set(old);
    setBefore(null);
  };
  const from = query.value.get("from");
  useEffect(() => {
    if (from === null) return;
    setQuery({ from: "" });
    draftOf(from).then(replace, (error: Error) => setTrouble(`The task was not read: ${error.message}`));
  }, [from]);
  return { draft, set, fits, replace, undo: before && putBack(before), trouble };
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

function WorkunitFields(props: FormProps & { told: string; tell: (text: string) => void }) {
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
      {language === "wasm" ? <WasmFields {...props} /> : <CodeEditor {...props} />}
      {language !== "wasm" && props.told && <p role="status">{props.told}</p>}
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
