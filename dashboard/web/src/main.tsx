// The frame around every page: header, outage banner, fleet strip, and the page itself.

import { type ComponentType, render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { outage, signOut } from "./api";
import { ClusterChooser } from "./clusters/chooser";
import { startFeed } from "./feed";
import { FleetStrip } from "./fleet/strip";
import { lazy } from "./lazy";
import { readMe } from "./me";
import { useTitle } from "./parts";
import { followLinks, hasMoved, path, type Route, route } from "./route";

const OverviewPage = lazy(async () => (await import("./overview/page")).OverviewPage);
const TasksPage = lazy(async () => (await import("./tasks/page")).TasksPage);
const TaskPage = lazy(async () => (await import("./task/page")).TaskPage);
const PayloadPage = lazy(async () => (await import("./payload/page")).PayloadPage);
const NewTaskPage = lazy(async () => (await import("./newtask/page")).NewTaskPage);
const FleetPage = lazy(async () => (await import("./fleet/page")).FleetPage);
const SitesPage = lazy(async () => (await import("./sites/page")).SitesPage);
const EventsPage = lazy(async () => (await import("./events/page")).EventsPage);
const SettingsPage = lazy(async () => (await import("./settings/page")).SettingsPage);

type Plain = Exclude<Route["page"], "task" | "payload">;

const PLAIN: Record<Plain, ComponentType> = {
  overview: OverviewPage,
  tasks: TasksPage,
  new: NewTaskPage,
  fleet: FleetPage,
  sites: SitesPage,
  events: EventsPage,
  settings: SettingsPage,
  missing: MissingPage,
};

/** What the navigation names, in its order: the page, its path, its name. */
const NAVIGATION: [Plain, string, string][] = [
  ["overview", "/", "Overview"],
  ["tasks", "/tasks", "Tasks"],
  ["new", "/tasks/new", "New task"],
  ["fleet", "/fleet", "Fleet"],
  ["sites", "/sites", "Sites"],
  ["events", "/events", "Events"],
  ["settings", "/settings", "Settings"],
];

function App() {
  return (
    <>
      <header>
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="24" height="24" /> disio
        </a>
        <nav aria-label="Pages">
          {NAVIGATION.map(([page, to, name]) => (
            <a key={page} href={to} aria-current={route.value.page === page ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <ClusterChooser />
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
  if (route.page === "task") return <TaskPage id={route.id} />;
  if (route.page === "payload") return <PayloadPage id={route.id} index={route.index} />;
  const Plain = PLAIN[route.page];
  return <Plain />;
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
  readMe().catch(() => {}); // api.ts has noted an outage or an ended session
  render(<App />, root);
}
