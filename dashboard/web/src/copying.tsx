// A text to copy: a link, mostly. Where the browser has no clipboard (pages without HTTPS) the text is selected instead.

import { useRef, useState } from "preact/hooks";

/** Returns what copies a text, what came of it, and where the text is shown (`ref` of that element). */
export function useCopy<Shown extends HTMLElement>(text: string) {
  const [told, setTold] = useState("");
  const ref = useRef<Shown>(null);
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      setTold("✓ Copied.");
    } catch {
      const shown = ref.current;
      if (shown instanceof HTMLInputElement) shown.select();
      else if (shown) getSelection()?.selectAllChildren(shown);
      setTold("Selected: copy it.");
    }
  }
  return { ref, told, copy: () => void copy() };
}

export function CopyLine({ label, text }: { label: string; text: string }) {
  const { ref, told, copy } = useCopy<HTMLInputElement>(text);
  return (
    <p class="copyline">
      <label>
        <span>{label}</span>
        <input
          ref={ref}
          type="text"
          readOnly
          value={text}
          class="mono"
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <button type="button" aria-label={`Copy: ${label}`} onClick={copy}>
        Copy
      </button>
      <span role="status">{told}</span>
    </p>
  );
}
