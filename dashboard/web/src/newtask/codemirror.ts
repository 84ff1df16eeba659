// The editor itself, a chunk of its own: CodeMirror in a shadow root, where its styles are adopted sheets and need no <style> element.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
  syntaxTree,
} from "@codemirror/language";
import { type Diagnostic, linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { CodeProblem, Editor, EditorEvents } from "./editor";

const LINT_MS = 400;
/** Errors of the parser that are shown at once. */
const MAX_PARSE_ERRORS = 20;

const THEME = EditorView.theme({
  "&": { backgroundColor: "var(--panel)", color: "var(--ink)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "18px", minHeight: "160px", maxHeight: "480px" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--bg)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent)",
  },
  ".cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--accent) 20%, transparent)" },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--panel)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-diagnostic": { fontFamily: "var(--sans)" },
  // The library's own marks are pictures in data: addresses, which the page's policy does not load.
  ".cm-lintRange, .cm-lintRange-error, .cm-lintRange-warning, .cm-lintRange-active": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--failed)",
  },
  ".cm-lint-marker, .cm-lint-marker-error, .cm-lint-marker-warning": { content: "normal" },
  ".cm-lint-marker": { borderRadius: "50%", backgroundColor: "var(--failed)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--failed)" },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword], color: "var(--paused)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--accent)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--retry)" },
  { tag: [tags.comment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName))], color: "var(--running)" },
  { tag: tags.invalid, color: "var(--failed)" },
]);

const HOST_STYLE =
  ":host{display:block;border:1px solid var(--line);border-radius:6px;overflow:hidden}" +
  ":host([data-invalid]){border-color:var(--failed)}";

/** A language's grammar is fetched when it is first written in. */
async function languageOf(name: string): Promise<Extension> {
  if (name === "python") return [(await import("@codemirror/lang-python")).python(), indentUnit.of("    ")];
  return [(await import("@codemirror/lang-javascript")).javascript(), indentUnit.of("  ")];
}

/** What the parser could not make sense of, at once; the manager's check says it better, a moment later. */
function parseErrors(state: EditorState): Diagnostic[] {
  const found: Diagnostic[] = [];
  syntaxTree(state).iterate({
    enter: ({ type, from, to }) => {
      if (!type.isError || found.length >= MAX_PARSE_ERRORS) return;
      found.push({
        from,
        to: Math.max(to, Math.min(from + 1, state.doc.length)),
        severity: "error",
        message: "This does not parse.",
      });
    },
  });
  return found;
}

function placed({ line, column, message }: CodeProblem, state: EditorState): Diagnostic {
  const row = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
  const from = Math.min(row.from + column - 1, row.to);
  return { from, to: Math.min(from + 1, state.doc.length), severity: "error", message };
}

/** Puts an editor into an element; `host` has the label. */
export function mount(host: HTMLElement, text: string, language: string, events: EditorEvents): Editor {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(HOST_STYLE);
  shadow.adoptedStyleSheets = [sheet];
  const [speech, said] = [new Compartment(), new Compartment()];
  let current = language;
  const check = linter(
    async ({ state }) => {
      const told = await events.check(state.doc.toString(), current).catch(() => null);
      // Without an answer of the manager there is what the parser tells.
      return told === null ? parseErrors(state) : told.map((problem) => placed(problem, state));
    },
    { delay: LINT_MS },
  );
  const view = new EditorView({
    root: shadow,
    parent: shadow,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        lintGutter(),
        check,
        // Tab indents; Escape and then Tab goes on to the next field.
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
          indentWithTab,
        ]),
        EditorState.tabSize.of(4),
        speech.of([]),
        said.of(EditorView.contentAttributes.of(events.attributes())),
        syntaxHighlighting(COLOURS),
        THEME,
        EditorView.updateListener.of((update) => {
          if (update.docChanged) events.changed(update.state.doc.toString());
        }),
      ],
    }),
  });
  const speak = (name: string) =>
    languageOf(name).then(
      (extension) => {
        if (name === current) view.dispatch({ effects: speech.reconfigure(extension) });
      },
      // Without its grammar the code is plain text, and the manager's check is there all the same.
      () => undefined,
    );
  void speak(language);
  return {
    setText: (next) => {
      if (next === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    setLanguage: (next) => {
      if (next === current) return;
      current = next;
      void speak(next);
    },
    describe: () => view.dispatch({ effects: said.reconfigure(EditorView.contentAttributes.of(events.attributes())) }),
    end: () => view.destroy(),
  };
}
