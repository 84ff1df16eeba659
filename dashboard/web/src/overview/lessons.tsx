// What is missing before anything is computed, and how to get it.

import type { Distributor, Stats } from "../model";

interface Props {
  distributors: Distributor[] | null;
  now: Stats | null;
}

export function Lessons({ distributors, now }: Props) {
  if (!distributors || !now) return null;
  const online = distributors.filter(({ state }) => state !== "offline" && state !== "refused");
  const tasks = Object.values(now.tasks).reduce((sum, number) => sum + number, 0);
  if (online.length === 0) return <NoDistributor />;
  return (
    <>
      {now.clients === 0 && <NoClients distributors={online} />}
      {tasks === 0 && <NoTasks />}
    </>
  );
}

function NoDistributor() {
  return (
    <section class="empty">
      <h2>No distributor is online</h2>
      <p>
        A distributor stands near the computers that help, and hands them their work. Start one on any machine that
        reaches this manager:
      </p>
      <pre>disio distributor start</pre>
      <p class="hint">
        It finds the manager on the local network by itself; elsewhere add <code>--manager URL</code>.
      </p>
    </section>
  );
}

function NoClients({ distributors }: { distributors: Distributor[] }) {
  const url = distributors.find((one) => one.url !== "")?.url ?? "URL";
  return (
    <section class="empty">
      <h2>Nobody computes yet</h2>
      <p>
        {url !== "URL" && (
          <>
            Open{" "}
            <a href={`${url}/demo`} target="_blank" rel="noreferrer">
              the distributor's demo page
            </a>{" "}
            and press Start, or lend
          </>
        )}
        {url === "URL" && "Lend"} a computer:
      </p>
      <pre>disio client start --distributor {url}</pre>
    </section>
  );
}

function NoTasks() {
  return (
    <section class="empty">
      <h2>No tasks yet</h2>
      <p>A task is a piece of code and a list of payloads. Each payload is computed by one of your clients.</p>
      <p>
        <a class="button primary" href="/tasks/new">
          New task
        </a>
      </p>
      <p class="hint">
        Or on the command line: <code>disio submit unit.js --range 0:1000</code>
      </p>
    </section>
  );
}
