// How a task went over time.

import { Queue, Spans, Throughput, useHistory } from "../charts/history";
import type { Task } from "../model";
import { Trouble } from "../parts";

export function ProgressCharts({ task }: { task: Task }) {
  const { found, trouble } = useHistory(`/api/tasks/${encodeURIComponent(task.id)}`);
  if (trouble) return <Trouble text={trouble} />;
  if (!found) return <p aria-busy="true">Reading the history…</p>;
  return (
    <section aria-labelledby="over-time">
      <div class="heading">
        <h2 id="over-time">Over time</h2>
        <Spans />
      </div>
      {found.is_left_out && (
        <p class="hint">
          More tasks are under way in this hour than have charts of their own; this one is in those of the overview.
        </p>
      )}
      <Throughput history={found} title="Results a second of this task" />
      <Queue history={found} title="Payloads to do" />
    </section>
  );
}
