// What is not on the live stream is asked for again now and then, while somebody looks.

import { useEffect, useState } from "preact/hooks";
import { callJson, Problem } from "./api";
import { generation } from "./feed";

/** An answer of this second will do, so the manager makes one for all who look. */
const RECENT = { "Cache-Control": "max-age=1" };

interface Polled<T> {
  found: T | null;
  trouble: string | null;
  /** Asks now. */
  again: () => void;
}

/** Reads a path when it changes, when the stream comes back, and every `everyMs` while the page is visible. */
export function usePolled<T>(path: string, everyMs: number): Polled<T> {
  const [state, setState] = useState<{ path: string; found: T | null; trouble: string | null }>({
    path: "",
    found: null,
    trouble: null,
  });
  const [asked, setAsked] = useState(0);
  const era = generation.value;
  useEffect(() => {
    let isOver = false;
    function settle(found: T | null, trouble: string | null): void {
      if (!isOver) setState({ path, found, trouble });
    }
    async function read(): Promise<void> {
      if (document.hidden) return;
      try {
        settle(await callJson<T>(path, { headers: RECENT }), null);
      } catch (error) {
        if (!isOutage(error)) settle(null, (error as Error).message);
      }
    }
    void read();
    const timer = setInterval(() => void read(), everyMs);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [path, everyMs, era, asked]);
  const isOld = state.path !== path;
  return {
    found: isOld ? null : state.found,
    trouble: isOld ? null : state.trouble,
    again: () => setAsked((before) => before + 1),
  };
}

/** An outage has its own banner, and the stream's return reads again. */
function isOutage(error: unknown): boolean {
  return error instanceof Problem && (error.status === 503 || error.status === 0);
}
