// How long a task may take, as a guess that says what it is made of; and the same task as a command and as a program.

export interface Forecast {
  seconds: number;
  /** The sentence with its inputs. */
  text: string;
}

/** Returns a guess, or null when something it needs is not known. */
export function forecast(
  unit_s: number | null,
  total: number | null,
  slots: number | null,
  shown: {
    many(value: number, noun: string): string;
    duration(seconds: number): string;
    runTime(seconds: number): string;
  },
): Forecast | null {
  if (unit_s === null || total === null || slots === null || slots < 1) return null;
  // Each slot has a whole number of payloads to run.
  const seconds = Math.ceil(total / slots) * unit_s;
  const inputs = `${shown.many(total, "payload")} × ${shown.runTime(unit_s)} on this machine, on ${shown.many(slots, "slot")}`;
  return { seconds, text: `About ${shown.duration(seconds)}: a guess, from ${inputs} connected now.` };
}

const MARK = "DISIO_TASK";

/** A command for a shell that makes the very same task: the document goes as it is, digit by digit. */
export function asCommand(document: string): string {
  // The mark is quoted: the shell leaves the document as it is.
  return `disio submit --task - <<'${MARK}'\n${document}\n${MARK}\n`;
}

/** A program that makes the very same task with the Python SDK. */
export function asPython(document: string): string {
  // A raw text is easier to read, where it can hold the document.
  const text = document.includes("'''") ? JSON.stringify(document) : `r'''${document}'''`;
  return `import disio\n\nwith disio.connect() as client:\n    task = client.submit_document(${text})\n    print(task.id)\n`;
}
