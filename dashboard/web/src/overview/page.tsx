// Everything at a glance: five numbers, the last hour, what is under way, and what wants a person.

import { Clients, errorShare, type History, Spans, Throughput, useHistory } from "../charts/history";
import { fleet, stats } from "../feed";
import * as format from "../format";
import type { Stats, Task, TaskList } from "../model";
import { Progress, StateChip, Trouble, useTitle } from "../parts";
import { usePolled } from "../polling";
import { Attention } from "./attention";
import { Lessons } from "./lessons";
import { PublicPage } from "./public";

const EVERY_MS = 5_000;
const SHOWN = 8;

export function OverviewPage() {
  useTitle("Overview");
  const { found: history, trouble } = useHistory("/api");
  const tasks = usePolled<TaskList>(`/api/tasks?state=queued,running,paused&sort=progress&limit=${SHOWN}`, EVERY_MS);
  const hour = usePolled<History>("/api/history?span=1h", 10_000).found;
  const open = tasks.found;
  return (
    <>
      <h1>Overview</h1>
      <Numbers now={stats.value} errors={hour && errorShare(hour)} />
      <Attention />
      <Lessons distributors={fleet.value} now={stats.value} />
      <Trouble text={trouble ?? tasks.trouble} />
      {open && open.total > 0 && <Active list={open} />}
      <div class="heading">
        <h2>Over time</h2>
        <Spans />
      </div>
      {history ? (
        <>
          <Throughput history={history} title="Results a second, by outcome" />
          <Clients history={history} />
        </>
      ) : (
        <p aria-busy="true">Reading the history…</p>
      )}
      <PublicPage />
    </>
  );
}

function Numbers({ now, errors }: { now: Stats | null; errors: number | null }) {
  const kinds = Object.entries(now?.kinds ?? {}).filter(([, number]) => number > 0);
  return (
    <dl class="figures">
      <Figure name="payloads done, lately" value={now ? format.rate(now.rate) : "–"} />
      <Figure
        name={now?.clients === 1 ? "client now" : "clients now"}
        value={now ? format.count(now.clients) : "–"}
        more={kinds
          .map(([kind, number]) => `${format.count(number)} ${kind === "web" ? "in browsers" : kind}`)
          .join(" · ")}
      />
      <Figure name="payloads to do" value={now?.queue === undefined ? "–" : format.count(now.queue)} />
      <Figure name="until all is done" value={format.duration(now?.eta_s)} />
      <Figure
        name="of tries fail"
        value={errors === null ? "–" : format.percent(Math.round(errors * 1e6), 1e6)}
        more="last 10 minutes"
      />
    </dl>
  );
}

function Figure({ name, value, more = "" }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong class="mono">{value}</strong>
      </dd>
      {more && <dd class="hint">{more}</dd>}
    </div>
  );
}

function Active({ list }: { list: TaskList }) {
  return (
    <section aria-label="Active tasks">
      <div class="heading">
        <h2>Active tasks</h2>
        <a href="/tasks?state=queued,running,paused">
          {list.total > list.items.length
            ? `${list.items.length} of ${format.count(list.total)}: see all`
            : "See them in the list"}
        </a>
      </div>
      <ul class="active">
        {list.items.map((task) => (
          <ActiveTask key={task.id} task={task} />
        ))}
      </ul>
    </section>
  );
}

function ActiveTask({ task }: { task: Task }) {
  return (
    <li>
      <a href={`/tasks/${encodeURIComponent(task.id)}`}>{task.name}</a>
      <StateChip state={task.state} />
      <div class="bar">
        <Progress task={task} />
      </div>
      <span class="mono">{format.percent(task.done, task.total)}</span>
      <span class="mono hint">{task.eta_s ? `${format.duration(task.eta_s)} left` : format.rate(task.rate)}</span>
    </li>
  );
}
