// Form fields with their label, hint and errors tied together for everybody, screen readers included.

import type { ComponentChildren, TargetedEvent } from "preact";
import type { Draft, Field } from "./draft";

export interface FormProps {
  draft: Draft;
  errors: Partial<Record<Field, string[]>>;
  set: (change: Partial<Draft>) => void;
}

interface FieldProps extends FormProps {
  field: Field;
  label: string;
  hint?: ComponentChildren;
}

/** Attributes that tie a control to its label and messages. */
interface Ties {
  id: string;
  name: string;
  "aria-invalid"?: "true";
  "aria-describedby"?: string;
}

export function idOf(field: Field): string {
  return `field-${field.replaceAll(".", "-")}`;
}

function tiesOf({ field, errors, hint }: FieldProps): Ties {
  const id = idOf(field);
  const hasErrors = errors[field] !== undefined;
  const described = [hasErrors && `${id}-error`, hint !== undefined && `${id}-hint`].filter(Boolean).join(" ");
  return {
    id,
    name: field,
    ...(hasErrors ? { "aria-invalid": "true" } : {}),
    ...(described ? { "aria-describedby": described } : {}),
  };
}

function Messages({ field, errors, hint }: FieldProps) {
  const id = idOf(field);
  return (
    <>
      {errors[field] && (
        <p class="error" id={`${id}-error`}>
          <span aria-hidden="true">✕</span> {errors[field].join("; ")}
        </p>
      )}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </>
  );
}

export function TextField(props: FieldProps & { numeric?: boolean }) {
  const { field, label, draft, set, numeric } = props;
  return (
    <div class="field">
      <label for={idOf(field)}>{label}</label>
      <input
        {...tiesOf(props)}
        type="text"
        class={numeric ? "mono short" : ""}
        inputMode={numeric ? "decimal" : "text"}
        autocomplete="off"
        value={draft[field]}
        onInput={(event) => set({ [field]: event.currentTarget.value })}
      />
      <Messages {...props} />
    </div>
  );
}

export function CodeField(props: FieldProps & { rows: number }) {
  const { field, label, draft, set, rows } = props;
  return (
    <div class="field">
      <label for={idOf(field)}>{label}</label>
      <textarea
        {...tiesOf(props)}
        class="mono"
        rows={rows}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={draft[field]}
        onInput={(event) => set({ [field]: event.currentTarget.value })}
      />
      <Messages {...props} />
    </div>
  );
}

export function ChoiceField(props: FieldProps & { options: [value: string, label: string][] }) {
  const { field, label, draft, set, options } = props;
  return (
    <div class="field">
      <label for={idOf(field)}>{label}</label>
      <select {...tiesOf(props)} value={draft[field]} onChange={(event) => set({ [field]: event.currentTarget.value })}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
      <Messages {...props} />
    </div>
  );
}

/** Several of a few words; the draft keeps them with spaces between. */
export function ManyField(props: FieldProps & { options: [value: string, label: string][] }) {
  const { field, label, draft, set, options } = props;
  const chosen = draft[field].split(" ").filter(Boolean);
  const toggle = (value: string) => (event: TargetedEvent<HTMLInputElement>) => {
    const others = chosen.filter((word) => word !== value);
    set({ [field]: (event.currentTarget.checked ? [...others, value] : others).join(" ") });
  };
  return (
    <fieldset class="field" {...tiesOf(props)} tabIndex={-1}>
      <legend>{label}</legend>
      {options.map(([value, text]) => (
        <label key={value} class="tick">
          <input type="checkbox" checked={chosen.includes(value)} onChange={toggle(value)} /> {text}
        </label>
      ))}
      <Messages {...props} />
    </fieldset>
  );
}
