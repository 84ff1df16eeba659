// The code field: an editor that is fetched when it is first shown; where that fails, a plain field.

import { useEffect, useRef, useState } from "preact/hooks";
import { callJson } from "../api";
import type { Draft } from "./draft";
import { CodeField, type FormProps, idOf } from "./fields";

export interface CodeProblem {
  line: number;
  column: number;
  message: string;
}

export interface Editor {
  setText(text: string): void;
  setLanguage(language: string): void;
  /** Takes the attributes anew. */
  describe(): void;
  end(): void;
}

export interface EditorEvents {
  changed(text: string): void;
  /** Where code is wrong; rejects when nobody could tell. */
  check(source: string, language: string): Promise<CodeProblem[]>;
  attributes(): Record<string, string>;
}

const FIELD = "workunit.source";
/** Changes that may be on their way back at once. */
const MAX_TYPED = 100;
const HINTS: Record<string, preact.JSX.Element> = {
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

export function CodeEditor(props: FormProps) {
  const { draft, errors, set } = props;
  const language = draft["workunit.language"];
  const hint = <>{HINTS[language]}. Tab indents; press Escape, then Tab, to leave the editor.</>;
  const [isPlain, setPlain] = useState(false);
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  /** Texts that the editor told of and that have not come back yet. */
  const typed = useRef<string[]>([]);
  const latest = useRef({ draft, set, errors });
  latest.current = { draft, set, errors };
  useEffect(() => {
    let isGone = false;
    import("./codemirror").then(
      ({ mount }) => {
        if (isGone || !host.current) return;
        const { draft } = latest.current;
        editor.current = mount(host.current, draft[FIELD], draft["workunit.language"], eventsOf(latest, typed.current));
      },
      () => setPlain(true),
    );
    return () => {
      isGone = true;
      editor.current?.end();
      editor.current = null;
    };
  }, []);
  useEffect(() => editor.current?.setLanguage(language), [language]);
  useEffect(() => {
    // What was typed comes back here with a delay: only what somebody else wrote goes into the editor.
    const at = typed.current.indexOf(draft[FIELD]);
    typed.current.splice(0, at + 1 || typed.current.length);
    if (at < 0) editor.current?.setText(draft[FIELD]);
  }, [draft[FIELD]]);
  useEffect(() => editor.current?.describe(), [errors[FIELD], language]);
  if (isPlain) return <CodeField {...props} field={FIELD} label="Code" rows={16} hint={hint} />;
  return (
    <div class="field">
      <span class="label" id="code-label">
        Code
      </span>
      <div id={idOf(FIELD)} class="editor" ref={host} data-invalid={errors[FIELD] ? "" : undefined} />
      {errors[FIELD] && (
        <p class="error">
          <span aria-hidden="true">✕</span> {errors[FIELD].join("; ")}
        </p>
      )}
      <p class="hint">{hint}</p>
    </div>
  );
}

type Latest = { current: { draft: Draft; set: FormProps["set"]; errors: FormProps["errors"] } };

function eventsOf(latest: Latest, typed: string[]): EditorEvents {
  return {
    changed: (text) => {
      if (text === latest.current.draft[FIELD] && typed.length === 0) return;
      typed.push(text);
      if (typed.length > MAX_TYPED) typed.shift();
      latest.current.set({ [FIELD]: text });
    },
    check: async (source, language) => {
      if (source.trim() === "") return [];
      const body = JSON.stringify({ language, source });
      return (await callJson<{ problems: CodeProblem[] }>("/api/code-checks", { method: "POST", body })).problems;
    },
    // Labels outside a shadow root cannot be named from within: the texts themselves stand here.
    attributes: () => {
      const told = latest.current.errors[FIELD];
      const help = "Tab indents; press Escape, then Tab, to leave the editor.";
      return {
        "aria-label": "Code",
        tabindex: "0",
        "aria-description": told ? `${told.join("; ")}. ${help}` : help,
        ...(told ? { "aria-invalid": "true" } : {}),
      };
    },
  };
}
