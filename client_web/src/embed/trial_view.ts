/**
 * What the trial page shows: what it does, and how the newest runs ended.
 *
 * Rule: it only shows. What units say is put in as text, never as markup.
 */

/** The part of a result that is shown. */
export interface Ending {
  index: number;
  kind: string;
  error: string;
  seconds: number | null;
}

/** Runs that are listed, the newest first. */
const MAX_LISTED = 12;
const MAX_ERROR_CHARS = 2_000;

const TO_BEGIN = "Nothing to do. `disio test UNIT --engine browser` opens this page by itself, with a key that this address has not.";

export class TrialView {
  private readonly state = document.getElementById("state");
  private readonly runs = document.getElementById("runs");
  private count = 0;

  /** Opened by somebody else than the command. */
  alone(): void {
    this.say(TO_BEGIN);
  }

  waits(): void {
    this.say("Ready for the next run.");
  }

  begins(language: string): void {
    this.say(`Running a unit in ${language}.`);
  }

  /** The command is gone, or has no work left. */
  over(): void {
    this.say("The command has ended. This page can be closed.");
  }

  ended(results: readonly Ending[]): void {
    for (const result of results) {
      this.count += 1;
      this.runs?.prepend(listed(this.count, result));
    }
    while ((this.runs?.children.length ?? 0) > MAX_LISTED) this.runs?.lastElementChild?.remove();
  }

  private say(text: string): void {
    if (this.state !== null) this.state.textContent = text;
  }
}

function listed(number: number, { index, kind, error, seconds }: Ending): HTMLElement {
  const item = document.createElement("li");
  item.append(part("span", `Run ${number}: payload ${index}`), part("strong", kind, kind === "ok" ? "ok" : ""));
  if (seconds !== null) item.append(part("span", `${seconds.toFixed(3)} s`));
  if (error !== "") item.append(part("pre", error.slice(0, MAX_ERROR_CHARS)));
  return item;
}

function part(tag: string, text: string, name = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = name;
  return made;
}
