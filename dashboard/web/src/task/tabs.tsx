// The parts of a task's page; which one is open is in the address bar.

import * as format from "../format";
import type { Task } from "../model";
import { query, setQuery } from "../route";

export const TABS = ["results", "payloads", "failures", "code", "events", "settings"] as const;
export type Tab = (typeof TABS)[number];
const NAMES: Record<Tab, string> = {
  results: "Progress and results",
  payloads: "Payloads",
  failures: "Failures",
  code: "Code",
  events: "Events",
  settings: "Settings",
};

export function tabOf(asked: URLSearchParams): Tab {
  return TABS.find((tab) => tab === asked.get("tab")) ?? "results";
}

export function Tabs({ task }: { task: Task }) {
  const open = tabOf(query.value);
  return (
    <nav class="tabs" aria-label="Parts of this task">
      {TABS.map((tab) => (
        <a
          key={tab}
          href={tab === "results" ? location.pathname : `?tab=${tab}`}
          aria-current={tab === open ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
            event.preventDefault();
            event.stopPropagation();
            setQuery({ tab: tab === "results" ? "" : tab, in: "", from: "" }, { keep: true });
          }}
        >
          {NAMES[tab]}
          {tab === "failures" && task.failed > 0 && <span class="mono"> {format.count(task.failed)}</span>}
        </a>
      ))}
    </nav>
  );
}
