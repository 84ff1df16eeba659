// What wants a person: a sentence, what to do, and where.

import { attention } from "../feed";
import * as format from "../format";

export function Attention() {
  const found = attention.value;
  if (!found || found.total === 0) return null;
  return (
    <section class="attention" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul>
        {found.items.map((item) => (
          <li key={`${item.kind}/${item.subject}`} class={item.level === "bad" ? "state-failed" : "state-retry"}>
            <p>
              <span aria-hidden="true">{item.level === "bad" ? "✕" : "▲"}</span>{" "}
              <span class="unseen">{item.level === "bad" ? "Urgent: " : "Warning: "}</span>
              {item.sentence}
            </p>
            <p class="hint">
              {item.remedy} <a href={item.link}>{item.link.startsWith("/tasks/") ? "Open the task" : "Open"}</a>
            </p>
          </li>
        ))}
      </ul>
      {found.total > found.items.length && (
        <p class="hint">
          {format.count(found.items.length)} of {format.count(found.total)} are shown, the worst first.
        </p>
      )}
    </section>
  );
}
