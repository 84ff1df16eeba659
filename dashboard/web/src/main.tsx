// The frame around every page: header, outage banner, fleet strip, and the page itself.

import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { outage, signOut } from "./api";
import { startFeed } from "./feed";
import { FleetStrip } from "./fleet";
import { FleetPage } from "./fleetpage";
import { NewTaskPage } from "./newtask";
import { useTitle } from "./parts";
import { followLinks, hasMoved, path, type Route, route } from "./route";
import { TaskPage } from "./task";
import { TasksPage } from "./tasks";

function App() {
  return (
    <>
      <header>
        <a class="brand" href="/tasks">
          <img src="/icon.svg" alt="" width="24" height="24" /> disio
        </a>
        <nav aria-label="Pages">
          <a href="/tasks" aria-current={route.value.page === "tasks" ? "page" : undefined}>
            Tasks
          </a>
          <a href="/tasks/new" aria-current={route.value.page === "new" ? "page" : undefined}>
            New task
          </a>
          <a href="/fleet" aria-current={route.value.page === "fleet" ? "page" : undefined}>
            Fleet
          </a>
        </nav>
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      <div class="news" role="status" aria-live="polite">
        {outage.value !== null && (
          <p class="banner">
            <span aria-hidden="true">↻</span> No connection to the manager; trying again by itself. {outage.value}
          </p>
        )}
      </div>
      <FleetStrip />
      <Page key={path.value} route={route.value} />
    </>
  );
}

function Page({ route }: { route: Route }) {
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // After a move within the page the keyboard and the screen reader go on where the news are.
    if (hasMoved()) main.current?.focus({ preventScroll: true });
  }, []);
  return (
    <main ref={main} tabIndex={-1}>
      <Content route={route} />
    </main>
  );
}

function Content({ route }: { route: Route }) {
  switch (route.page) {
    case "tasks":
      return <TasksPage />;
    case "new":
      return <NewTaskPage />;
    case "fleet":
      return <FleetPage />;
    case "task":
      return <TaskPage id={route.id} />;
    case "missing":
      return <MissingPage />;
  }
}

function MissingPage() {
  useTitle("No such page");
  return (
    <>
      <h1>No such page</h1>
      <p>
        <a href="/tasks">Go to the tasks</a>
      </p>
    </>
  );
}

const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  followLinks();
  startFeed();
  render(<App />, root);
}
