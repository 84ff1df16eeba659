// What a public task offers to others: its page for everybody, and a link that lends a browser to it.

import { CopyLine } from "../copying";
import { fleet } from "../feed";
import { type Distributor, isOver, type Task } from "../model";

export function Sharing({ task }: { task: Task }) {
  if (!task.public) return null;
  const page = `${location.origin}/tasks/${encodeURIComponent(task.id)}?public`;
  const helping = isOver(task.state) ? null : helpLink(fleet.value ?? [], task);
  return (
    <details class="sharing">
      <summary>Share this task</summary>
      <p>
        <a href={page} target="_blank" rel="noopener">
          Public page
        </a>
        <span class="hint"> Everybody who has the link sees its progress, code, payloads and results.</span>
      </p>
      <CopyLine label="Link to its public page" text={page} />
      {helping && <CopyLine label="Link that helps it in a browser" text={helping} />}
      {!helping && !isOver(task.state) && (
        <p class="hint">There is no link that helps it: no distributor is online, or it does not run in browsers.</p>
      )}
    </details>
  );
}

/** Where a browser helps a task first; null when none can. */
export function helpLink(distributors: readonly Distributor[], task: Task): string | null {
  const kinds = task.policy?.requires?.kinds;
  const isForBrowsers = task.workunit?.runtime !== "native" && (kinds === undefined || kinds.includes("web"));
  const place = distributors.find(({ state, url }) => state === "online" && /^https?:/.test(url));
  if (!isForBrowsers || !place) return null;
  return `${place.url.replace(/\/+$/, "")}/help?task=${encodeURIComponent(task.id)}`;
}
