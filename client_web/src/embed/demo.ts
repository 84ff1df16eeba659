/** The demo page's own script: shows what `window.disio` tells. Rule: it uses the public events only, as any page could. */

import type { Stats } from "../protocol/embed";

const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

byId("origin").textContent = location.origin;

document.addEventListener("disio:state", (event) => {
  const { to, reason } = (event as CustomEvent<{ to: string; reason: string }>).detail;
  byId("state").textContent = to;
  if (to === "running") byId("lead").textContent = "You started it. Pause or stop it at any time in the box at the corner.";
  if (reason !== "") byId("what").textContent = reason;
});

document.addEventListener("disio:stats", (event) => {
  const { units, seconds, tasks } = (event as CustomEvent<Stats>).detail;
  byId("units").textContent = units.toLocaleString();
  byId("seconds").textContent = seconds.toFixed(1);
  byId("what").textContent = tasks.length > 0 ? `Running: ${tasks.join(", ")}` : "No task runs on this page.";
});
