// The hand-outs of one payload: to whom, how each ended, and what the unit wrote.

import * as format from "../format";
import type { Try } from "../model";

const SHOWN: Record<string, { glyph: string; word: string; style: string }> = {
  done: { glyph: "✓", word: "done", style: "state-done" },
  failed: { glyph: "✕", word: "failed", style: "state-failed" },
  lost: { glyph: "⌁", word: "lost", style: "state-paused" },
  "has it": { glyph: "▶", word: "has it", style: "state-running" },
  checks: { glyph: "▶", word: "checks", style: "state-running" },
};

export function Tries({ tries, Head }: { tries: Try[]; Head: "h2" | "h3" }) {
  return (
    <>
      <Head>Hand-outs</Head>
      <ol class="tries">
        {tries.map((one, at) => (
          <TryItem key={`${at} ${one.client}`} one={one} />
        ))}
      </ol>
    </>
  );
}

function TryItem({ one }: { one: Try }) {
  const shown = SHOWN[one.outcome] ?? { glyph: "·", word: one.outcome, style: "" };
  return (
    <li>
      <p>
        <span class={shown.style}>
          <span aria-hidden="true">{shown.glyph}</span> {shown.word}
        </span>{" "}
        <span class="mono value">{one.client}</span>
        {one.distributor && (
          <span class="hint">
            {" "}
            at distributor <span class="mono value">{one.distributor}</span>
          </span>
        )}
        <span class="hint">{moment(one)}</span>
      </p>
      {one.error && <pre>{one.error}</pre>}
      {one.log && (
        <details>
          <summary>Log, {format.count(one.log.length)} characters</summary>
          <pre>{one.log}</pre>
        </details>
      )}
    </li>
  );
}

function moment(one: Try): string {
  if (one.ended_at) return `, ended ${format.when(one.ended_at)}`;
  return one.age_s === null ? "" : `, for ${format.duration(one.age_s)}`;
}
