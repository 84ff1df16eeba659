// One verb on many tasks: chosen rows, or all that match. The manager counts first, a person confirms that number.

import { useState } from "preact/hooks";
import { callJson } from "../api";
import * as format from "../format";
import { Trouble } from "../parts";
import { useQuestion } from "../question";

export type BulkVerb = "pause" | "resume" | "retry" | "cancel" | "delete";
const VERBS: [BulkVerb, string][] = [
  ["pause", "Pause"],
  ["resume", "Resume"],
  ["retry", "Retry"],
  ["cancel", "Cancel"],
  ["delete", "Delete"],
];
const POLL_MS = 400;

interface Job {
  /** Not of a dry run, which nobody asks about later. */
  id: string;
  verb: BulkVerb;
  state: "dry-run" | "running" | "done" | "given-up";
  matched: number;
  done: number;
  refused: number;
  refusals: { task: string; reason: string }[];
  trouble: string;
}

interface Props {
  /** How many are chosen, as far as the page knows. */
  chosen: number;
  /** Of all that match, whether they are on this page or not. */
  total: number;
  isAll: boolean;
  filter: () => Record<string, unknown>;
  onAll: () => void;
  onNone: () => void;
  onDone: () => void;
}

export function BulkBar({ chosen, total, isAll, filter, onAll, onNone, onDone }: Props) {
  const [asked, setAsked] = useState<{ verb: BulkVerb; filter: Record<string, unknown>; matched: number } | null>(null);
  const [job, setJob] = useState<Job | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const isBusy = job?.state === "running";

  async function attempt(act: () => Promise<void>): Promise<void> {
    try {
      setTrouble(null);
      await act();
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }
  const count = (verb: BulkVerb) =>
    attempt(async () => {
      const meant = filter();
      const { matched } = await post(verb, meant, true);
      setAsked({ verb, filter: meant, matched });
    });
  const perform = (verb: BulkVerb, meant: Record<string, unknown>) =>
    attempt(async () => {
      let now = await post(verb, meant, false);
      setJob(now);
      while (now.state === "running") {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        now = await callJson<Job>(`/api/bulk/${encodeURIComponent(now.id)}`);
        setJob(now);
      }
      onDone();
    });

  return (
    <section class="bulk" aria-label="Chosen tasks">
      {chosen > 0 && (
        <div class="actions">
          <strong>
            {isAll ? `All ${format.count(total)} that match` : format.count(chosen)} {isAll ? "" : "chosen"}
          </strong>
          {!isAll && total > chosen && (
            <button type="button" onClick={onAll}>
              Choose all {format.count(total)} that match
            </button>
          )}
          {VERBS.map(([verb, name]) => (
            <button
              type="button"
              key={verb}
              disabled={isBusy}
              class={verb === "delete" ? "danger" : ""}
              onClick={() => void count(verb)}
            >
              {name}
            </button>
          ))}
          <button type="button" class="quiet" onClick={onNone}>
            Choose none
          </button>
        </div>
      )}
      <Trouble text={trouble} />
      {job && <Report job={job} />}
      {asked && (
        <Sure
          verb={asked.verb}
          matched={asked.matched}
          onAnswer={(isYes) => {
            setAsked(null);
            if (isYes) void perform(asked.verb, asked.filter);
          }}
        />
      )}
    </section>
  );
}

function post(verb: BulkVerb, filter: Record<string, unknown>, dryRun: boolean): Promise<Job> {
  return callJson<Job>("/api/bulk", { method: "POST", body: JSON.stringify({ filter, verb, dry_run: dryRun }) });
}

function Report({ job }: { job: Job }) {
  const told = `${format.count(job.done)} of ${format.count(job.matched)} done`;
  return (
    <div role="status" class="report">
      <p>
        {job.verb}: {told}
        {job.refused > 0 && `, ${format.count(job.refused)} refused`}
        {job.state === "running" ? "…" : "."} {job.trouble}
      </p>
      {job.refusals.length > 0 && (
        <details>
          <summary>
            Why
            {job.refused > job.refusals.length && ` (the first ${job.refusals.length} of ${format.count(job.refused)})`}
          </summary>
          <ul>
            {job.refusals.map(({ task, reason }) => (
              <li key={task}>
                <a href={`/tasks/${encodeURIComponent(task)}`}>{task}</a>: {reason}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

interface SureProps {
  verb: BulkVerb;
  matched: number;
  onAnswer: (isYes: boolean) => void;
}

/** Names verb and number; what removes results wants both typed. */
function Sure({ verb, matched, onAnswer }: SureProps) {
  const [typed, setTyped] = useState("");
  const tasks = `${format.count(matched)} ${matched === 1 ? "task" : "tasks"}`;
  const phrase = `delete ${matched}`;
  const isReady = matched > 0 && (verb !== "delete" || typed.trim() === phrase);
  return (
    <dialog {...useQuestion(onAnswer)} aria-labelledby="sure">
      <h2 id="sure">
        {verb[0]?.toUpperCase()}
        {verb.slice(1)} {tasks}?
      </h2>
      {verb === "cancel" && <p>Running units are stopped; results so far stay. This cannot be undone.</p>}
      {verb === "delete" && (
        <label>
          <p>
            The tasks and all their results are removed. This cannot be undone. Type <strong>{phrase}</strong> to go on.
          </p>
          <input type="text" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      )}
      <form method="dialog" class="actions">
        <button value="no" type="submit">
          Keep {matched === 1 ? "it" : "them"}
        </button>
        <button
          value="yes"
          type="submit"
          class={verb === "delete" || verb === "cancel" ? "danger" : "primary"}
          disabled={!isReady}
        >
          {verb[0]?.toUpperCase()}
          {verb.slice(1)} {tasks}
        </button>
      </form>
    </dialog>
  );
}
