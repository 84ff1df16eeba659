/**
 * The trial page: runs units in a browser's sandbox for whoever writes them, before they are submitted (`disio test`).
 *
 * Rule: it is served on the author's machine by the command that tries a unit, never by a distributor; what it runs, `trials.ts` runs.
 */

import { Trial, type TrialSpec } from "./trials";
import { TrialView } from "./trial_view";

/** Take work from the command that opened this page until it has none; the token tells it that the page is the one it opened. */
async function serve(trial: Trial, token: string, view: TrialView): Promise<void> {
  for (;;) {
    view.waits();
    const work = await fetch(`/trial/work?token=${token}`);
    if (work.status !== 200) return;
    const spec = (await work.json()) as TrialSpec;
    view.begins(spec.language);
    const answer = await trial.run(spec).catch((error: unknown) => ({ results: [], engine: navigator.userAgent, problem: String(error) }));
    view.ended(answer.results);
    await fetch(`/trial/answer?token=${token}`, { method: "POST", body: JSON.stringify(answer) });
  }
}

const trial = new Trial();
const view = new TrialView();
Object.defineProperty(window, "disioTrial", { value: { run: (spec: TrialSpec) => trial.run(spec) } });
if (location.hash.length <= 1) view.alone();
else
  void serve(trial, location.hash.slice(1), view)
    // The command's server is gone.
    .catch(() => undefined)
    .then(() => {
      view.over();
    });
