/**
 * How far a distributor is: the shortest of a few round trips.
 *
 * Rule: each is asked the same number of times, one at a time, so that they do not slow one another; the first trip, which opens the
 * connection, does not count.
 */

const TRIPS = 4;
const TRIP_MS = 3_000;

export interface Measured {
  /** Origin to its distance in seconds; null = it does not answer, or takes nobody. */
  distances: Map<string, number | null>;
  /** The others, as the first one that was asked names them. */
  siblings: string[];
}

/** Ask each one, the present distributor first. */
export async function measure(urls: readonly string[], fetcher: typeof fetch = fetch): Promise<Measured> {
  const found: Measured = { distances: new Map(), siblings: [] };
  for (const url of urls) {
    const { distance, siblings } = await look(url, fetcher);
    if (found.distances.size === 0) found.siblings = siblings;
    found.distances.set(url, distance);
  }
  return found;
}

async function look(url: string, fetcher: typeof fetch): Promise<{ distance: number | null; siblings: string[] }> {
  let best = Infinity;
  let siblings: string[] = [];
  for (let trip = 0; trip < TRIPS; trip += 1) {
    const since = performance.now();
    const told = await answer(url, fetcher);
    if (told === null) return { distance: null, siblings };
    if (trip > 0) best = Math.min(best, performance.now() - since);
    siblings = told;
  }
  return { distance: best / 1000, siblings };
}

/** The siblings that it names, or null. */
async function answer(url: string, fetcher: typeof fetch): Promise<string[] | null> {
  try {
    const said = await fetcher(`${url}/ping`, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(TRIP_MS) });
    if (!said.ok) return null;
    const { siblings } = (await said.json()) as { siblings?: unknown };
    return Array.isArray(siblings) ? siblings.filter((one) => typeof one === "string") : [];
  } catch {
    return null;
  }
}
