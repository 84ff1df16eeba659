// The gallery: tasks to start from, each as a card with its picture, what it does, and its language.

import type { Draft } from "./draft";
import type { FormProps } from "./fields";
import { LANGUAGE_NAMES, TEMPLATES, type Template } from "./templates";

export function Gallery({ draft, replace }: { draft: Draft; replace: FormProps["set"] }) {
  return (
    <section aria-labelledby="gallery">
      <h2 id="gallery">Start from a template</h2>
      <div class="templates">
        {TEMPLATES.map((template) => (
          <button
            type="button"
            key={template.key}
            aria-pressed={isTaken(template, draft)}
            onClick={() => replace(contentOf(template))}
          >
            <Picture glyph={template.glyph} />
            <span class="about">
              <strong>{template.label}</strong>
              <span class="hint">{template.about}</span>
              <span class="language">{LANGUAGE_NAMES[template["workunit.language"]]}</span>
            </span>
          </button>
        ))}
      </div>
    </section>
  );
}

function isTaken(template: Template, draft: Draft): boolean {
  return template["workunit.source"] === draft["workunit.source"] && template.wasm === draft.wasm;
}

/** What a template puts into the form; an earlier upload of another module goes. */
function contentOf({ key: _key, label: _label, about: _about, glyph: _glyph, ...content }: Template): Partial<Draft> {
  return { ...content, wasmHash: "" };
}

function Picture({ glyph }: { glyph: string }) {
  if (glyph !== "mandelbrot") {
    return (
      <span class="glyph" aria-hidden="true">
        {glyph}
      </span>
    );
  }
  return (
    <svg class="glyph" viewBox="-2.2 -1.3 3 2.6" aria-hidden="true">
      <path class="cardioid" d="M.25 0C.25.35-.05.65-.35.65-.65.65-.75.3-.75 0c0-.3.1-.65.4-.65.3 0 .6.3.6.65z" />
      <circle class="cardioid" cx="-1" cy="0" r=".25" />
      <circle class="cardioid" cx="-.12" cy=".76" r=".1" />
      <circle class="cardioid" cx="-.12" cy="-.76" r=".1" />
      <circle class="cardioid" cx="-1.31" cy="0" r=".06" />
    </svg>
  );
}
