// Failures by what they say, and another try for those that failed alike.

import { useState } from "preact/hooks";
import { call } from "../api";
import * as format from "../format";
import { mayChange } from "../me";
import type { Task } from "../model";
import { Trouble } from "../parts";
import { usePolled } from "../polling";

interface Group {
  key: string;
  message: string;
  kind: string;
  count: number;
  example: string;
  sample: number[];
  first_at?: number;
  last_at?: number;
}

interface Groups {
  failed: number;
  counted: number;
  others: number;
  items: Group[];
}

/** Of one call; the manager's limit. */
const MOST = 10_000;
const EVERY_MS = 5_000;
const RETRYABLE = ["running", "paused", "failed"];

export function FailureGroups({ task }: { task: Task }) {
  const base = `/api/tasks/${encodeURIComponent(task.id)}`;
  const { found, trouble, again } = usePolled<Groups>(`${base}/failures/groups`, EVERY_MS);
  const [busy, setBusy] = useState("");
  const [refused, setRefused] = useState<string | null>(null);
  async function retry(key: string): Promise<void> {
    setBusy(key);
    try {
      await call(`${base}/retry`, { method: "POST", body: JSON.stringify({ group: key }) });
      setRefused(null);
      again();
    } catch (error) {
      setRefused((error as Error).message);
    } finally {
      setBusy("");
    }
  }
  if (task.failed === 0) return <p>No payload of this task has failed for good.</p>;
  return (
    <section aria-labelledby="groups">
      <h2 id="groups">By what they say</h2>
      <Trouble text={trouble ?? refused} />
      {found && found.counted !== task.failed && (
        <p class="hint">
          {format.count(found.counted)} failures are counted here; {format.count(task.failed)} have failed by now.
        </p>
      )}
      <ol class="groups">
        {found?.items.map((group) => (
          <GroupItem
            key={group.key}
            group={group}
            base={`/tasks/${encodeURIComponent(task.id)}`}
            canRetry={RETRYABLE.includes(task.state) && mayChange(task.owner)}
            isBusy={busy !== ""}
            onRetry={() => void retry(group.key)}
          />
        ))}
      </ol>
      {found && found.others > 0 && (
        <p class="hint">{format.count(found.others)} more failures say other things; there are too many to list.</p>
      )}
    </section>
  );
}

interface ItemProps {
  group: Group;
  base: string;
  canRetry: boolean;
  isBusy: boolean;
  onRetry: () => void;
}

function GroupItem({ group, base, canRetry, isBusy, onRetry }: ItemProps) {
  const { count, message, example, sample } = group;
  const all =
    count > MOST ? `the first ${format.count(MOST)} of ${format.count(count)}` : `these ${format.count(count)}`;
  return (
    <li>
      <p>
        <strong class="mono">{format.count(count)}</strong> <code class="value">{message || "(no message)"}</code>
      </p>
      {canRetry && (
        <button type="button" disabled={isBusy} onClick={onRetry}>
          {count === 1 ? "Retry this one" : `Retry ${all}`}
        </button>
      )}
      {group.first_at ? <p class="hint">{times(group)}</p> : null}
      <details>
        <summary>An example, and which payloads</summary>
        <pre>{example}</pre>
        <p>
          {sample.map((index) => (
            <a key={index} class="mono" href={`${base}/payloads/${index}`}>
              {format.count(index)}
            </a>
          ))}
          {count > sample.length && <span class="hint">and {format.count(count - sample.length)} more</span>}
        </p>
      </details>
    </li>
  );
}

function times({ count, first_at, last_at }: Group): string {
  const first = format.when(first_at ?? 0);
  return count === 1 ? `At ${first}` : `The first at ${first}, the last at ${format.when(last_at ?? 0)}`;
}
