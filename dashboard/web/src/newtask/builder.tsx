// The payload builder: fields for the kinds of spec there are, the spec itself as JSON, and what it makes.

import { useEffect, useRef, useState } from "preact/hooks";
import * as format from "../format";
import { CodeField, type FormProps } from "./fields";
import { type PreviewState, warningsOf } from "./preview";
import { type Axis, BLANK, type Built, builtOf, KINDS, type Kind, specOf } from "./spec";
import { uploadBlob } from "./upload";

const NAMES: Record<Kind, string> = {
  range: "Range",
  grid: "Grid",
  zip: "Zip",
  random: "Random",
  list: "List",
  file: "File",
  json: "JSON by hand",
};
const MAX_SHOWN = 300;

type Change = (change: Partial<Built>) => void;

export function PayloadBuilder(props: FormProps & { state: PreviewState }) {
  const { draft, set, state } = props;
  const { built, change } = useBuilt(draft.payloads, (payloads) => set({ payloads }));
  const errors = props.errors.payloads ?? state.errors.map(phrase);
  const shown = errors.length > 0 ? { ...props.errors, payloads: errors } : props.errors;
  return (
    <>
      <fieldset class="kinds">
        <legend>Payloads are</legend>
        {KINDS.map((kind) => (
          <label key={kind} class="tick">
            <input type="radio" name="payload-kind" checked={built.kind === kind} onChange={() => change({ kind })} />{" "}
            {NAMES[kind]}
          </label>
        ))}
      </fieldset>
      <KindFields built={built} change={change} />
      <CodeField
        {...props}
        errors={shown}
        field="payloads"
        label="Payloads (JSON)"
        rows={built.kind === "json" ? 6 : 2}
        hint="The spec, as the fields above write it; it can be changed here too."
      />
      <PreviewView state={state} />
    </>
  );
}

function phrase({ path, message }: { path: string; message: string }): string {
  return path === "" || path === "payloads" ? message : `${path.replace(/^payloads\./, "")}: ${message}`;
}

/** The fields follow the JSON, unless it was they that wrote it. */
function useBuilt(payloads: string, write: (payloads: string) => void) {
  const [built, setBuilt] = useState<Built>(() => builtOf(payloads, BLANK));
  const written = useRef(payloads);
  useEffect(() => {
    if (payloads === written.current) return;
    written.current = payloads;
    setBuilt((before) => builtOf(payloads, before));
  }, [payloads]);
  const change: Change = (changes) => {
    const next = { ...built, ...changes };
    setBuilt(next);
    if (next.kind === "json" || (next.kind === "file" && next.sha256 === "")) return;
    written.current = specOf(next);
    write(written.current);
  };
  return { built, change };
}

function KindFields({ built, change }: { built: Built; change: Change }) {
  switch (built.kind) {
    case "range":
      return (
        <div class="columns">
          <Small label="From" value={built.start} set={(start) => change({ start })} />
          <Small label="Up to, not reached" value={built.stop} set={(stop) => change({ stop })} />
          <Small label="Step" value={built.step} set={(step) => change({ step })} />
        </div>
      );
    case "list":
      return (
        <label class="field block">
          Values, one a line: JSON, or a text
          <textarea
            class="mono"
            rows={5}
            spellcheck={false}
            value={built.items}
            onInput={(event) => change({ items: event.currentTarget.value })}
          />
        </label>
      );
    case "file":
      return <FileFields built={built} change={change} />;
    case "json":
      return null;
    default:
      return <AxesFields built={built} change={change} />;
  }
}

function Small({ label, value, set }: { label: string; value: string; set: (text: string) => void }) {
  return (
    <label class="field block">
      {label}
      <input
        type="text"
        class="mono"
        autocomplete="off"
        value={value}
        onInput={(event) => set(event.currentTarget.value)}
      />
    </label>
  );
}

const AXES_HINTS: Partial<Record<Kind, string>> = {
  grid: "Every combination of the values of all keys; the last key changes fastest.",
  zip: "One value of each key side by side: first with first, second with second.",
  random: "One value of each key drawn for each payload, the same ones every time.",
};

function AxesFields({ built, change }: { built: Built; change: Change }) {
  const setAxis = (at: number, axis: Partial<Axis>) =>
    change({ axes: built.axes.map((each, place) => (place === at ? { ...each, ...axis } : each)) });
  return (
    <>
      {built.kind === "random" && (
        <div class="columns">
          <Small label="How many" value={built.count} set={(count) => change({ count })} />
          <Small label="Seed" value={built.seed} set={(seed) => change({ seed })} />
        </div>
      )}
      <p class="hint">
        {AXES_HINTS[built.kind]} Values: <code>0:100:5</code> (100 is not reached), <code>1, 2, 3</code>,{" "}
        <code>linspace(0, 1, 11)</code>
        {built.kind === "random" && (
          <>
            , <code>uniform(0, 1)</code>
          </>
        )}
        , or one value that stays the same.
      </p>
      <ul class="axes">
        {built.axes.map((axis, at) => (
          <li key={String(at)}>
            <input
              type="text"
              class="mono"
              aria-label={`Key ${at + 1}`}
              autocomplete="off"
              value={axis.key}
              onInput={(event) => setAxis(at, { key: event.currentTarget.value })}
            />
            <input
              type="text"
              class="mono"
              aria-label={`Values of ${axis.key || `key ${at + 1}`}`}
              autocomplete="off"
              value={axis.text}
              onInput={(event) => setAxis(at, { text: event.currentTarget.value })}
            />
            <button
              type="button"
              aria-label={`Remove ${axis.key || `key ${at + 1}`}`}
              onClick={() => change({ axes: built.axes.filter((_, place) => place !== at) })}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      <p>
        <button type="button" onClick={() => change({ axes: [...built.axes, { key: "", text: "" }] })}>
          Add a key
        </button>
      </p>
    </>
  );
}

function FileFields({ built, change }: { built: Built; change: Change }) {
  const [told, setTold] = useState("");
  const upload = async (file: File) => {
    try {
      change({ sha256: await uploadBlob(file, setTold) });
      setTold(`${file.name} is uploaded (${format.bytes(file.size)}).`);
    } catch (error) {
      setTold(`✕ ${file.name} was not uploaded: ${(error as Error).message} Choose it again to go on.`);
    }
  };
  return (
    <>
      <div class="columns">
        <label class="field block">
          Each payload is
          <select value={built.format} onChange={(event) => change({ format: event.currentTarget.value })}>
            <option value="ndjson">a line of JSON (NDJSON)</option>
            <option value="lines">a line of text</option>
            <option value="csv">a record of a CSV file</option>
          </select>
        </label>
        {built.format === "csv" && (
          <Small label="Columns of numbers, with commas" value={built.numbers} set={(numbers) => change({ numbers })} />
        )}
        <label class="field block">
          File
          <input
            type="file"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              if (file) void upload(file);
            }}
          />
        </label>
      </div>
      <p role="status">{told}</p>
    </>
  );
}

function PreviewView({ state: { preview, errors, busy } }: { state: PreviewState }) {
  if (!preview) return <p role="status">{errors.length > 0 ? "No preview: see the spec." : "Counting…"}</p>;
  const hidden = preview.count - preview.first.length;
  const last = preview.last.slice(-Math.max(0, hidden));
  return (
    <section class="preview" aria-label="Preview of the payloads" aria-busy={busy}>
      <p role="status">
        <strong class="mono">{format.count(preview.count)}</strong> payload{preview.count === 1 ? "" : "s"}
      </p>
      {warningsOf(preview).map((text) => (
        <p key={text} class="warning">
          <span aria-hidden="true">⚠</span> {text}
        </p>
      ))}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to get there */}
      <ol class="mono payloads" tabIndex={0} aria-label="First and last payloads">
        {preview.first.map((text, at) => (
          <li key={`f${String(at)}`}>
            <span class="hint">#{format.count(at)}</span> {cut(text)}
          </li>
        ))}
        {hidden > last.length && <li class="hint">… {format.count(hidden - last.length)} more …</li>}
        {hidden > 0 &&
          last.map((text, at) => (
            <li key={`l${String(at)}`}>
              <span class="hint">#{format.count(preview.count - last.length + at)}</span> {cut(text)}
            </li>
          ))}
      </ol>
    </section>
  );
}

function cut(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${format.count(text.length)} characters)` : text;
}
