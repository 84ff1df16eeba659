/**
 * Which distributor a client works for: the one it asked first, unless a sibling of it is clearly nearer, or it is away.
 *
 * Rule: pure. Distances are round trips in seconds; a client moves for one only when it is much shorter, and seldom; it moves from a
 * distributor that is away to the nearest other one, and tries them all in turn, ever more slowly, until one answers.
 */

/** How many are asked for their distance at a time, the present one among them. */
const MAX_PINGED = 3;
const MAX_KNOWN = 16;
/** From the welcome to the first look at the distances; then from one look to the next. */
const FIRST_LOOK_S = 2;
const LOOK_S = 600;
/** A sibling must be nearer by this part and by this much: distances vary from minute to minute, and a move costs a round of work. */
const NEARER = 0.7;
const NEARER_S = 0.02;
/** A distributor is away when it was away for so long, and so many tries in a row came to nothing. */
const AWAY_S = 4;
const AWAY_TRIES = 2;
const FIRST_PAUSE_S = 0.5;
const MAX_PAUSE_S = 30;

export interface Move {
  url: string;
  after_s: number;
}

export class Chooser {
  /** The others, best first as the distributor sees it. */
  private known: string[] = [];
  private readonly distances = new Map<string, number>();
  private lookAt = Infinity;
  private awaySince: number | null = null;
  private tries = 0;
  /** Since the last welcome. */
  private readonly tried = new Set<string>();
  private pauses = 0;

  /**
   * @param current Origin of the distributor that is asked first.
   * @param random Draws from 0 to 1, so that clients of one distributor do not all go at once.
   */
  constructor(
    public current: string,
    private readonly random: () => number,
  ) {}

  /** A distributor let the client in and named its siblings. */
  welcomed(siblings: readonly string[], now: number): void {
    this.awaySince = null;
    this.tries = this.pauses = 0;
    this.tried.clear();
    this.heard(siblings);
    if (this.lookAt === Infinity) this.lookAt = now + FIRST_LOOK_S * (1 + this.random());
  }

  /** Whose distance is to be measured now; empty = nobody's. */
  toMeasure(now: number): string[] {
    if (now < this.lookAt || this.awaySince !== null) return [];
    this.lookAt = now + LOOK_S * (0.75 + this.random() / 2);
    return [this.current, ...this.known].slice(0, MAX_PINGED);
  }

  private heard(siblings: readonly string[]): void {
    const others = siblings.map(originOf).filter((url): url is string => url !== null && url !== this.current && isUsable(url, this.current));
    // One that is not named any more may be back when it is needed.
    this.known = [...new Set([...others, ...this.known.filter((url) => url !== this.current)])].slice(0, MAX_KNOWN);
  }

  /**
   * Distances were measured (null = it does not answer, or has no room), and the present one named its siblings anew. Returns where to go, or
   * null to stay.
   */
  measured(distances: ReadonlyMap<string, number | null>, siblings: readonly string[], now: number): string | null {
    this.heard(siblings);
    // New ones are not left for the next round.
    if (distances.size < MAX_PINGED && this.known.some((url) => !distances.has(url))) this.lookAt = Math.min(this.lookAt, now + FIRST_LOOK_S);
    this.note(distances);
    const here = distances.get(this.current) ?? null;
    // One that does not answer pings may answer messages: its connection tells.
    if (here === null || this.awaySince !== null) return null;
    const best = this.nearest(this.known.filter((url) => typeof distances.get(url) === "number"));
    const there = best === undefined ? Infinity : (this.distances.get(best) as number);
    return best !== undefined && there < here * NEARER && here - there >= NEARER_S ? best : null;
  }

  private note(distances: ReadonlyMap<string, number | null>): void {
    for (const [url, distance] of distances) {
      if (distance === null) this.distances.delete(url);
      else this.distances.set(url, distance);
    }
  }

  /** It goes there, for whatever reason. */
  went(url: string): void {
    if (url === this.current) return;
    this.known = [this.current, ...this.known.filter((one) => one !== url && one !== this.current)].slice(0, MAX_KNOWN);
    this.current = url;
    this.tries = 0;
  }

  /** The connection broke, or one could not be made. Returns where to go now, or null to try the same one again. */
  failed(now: number): Move | null {
    this.awaySince ??= now;
    this.tries += 1;
    if (this.known.length === 0) return null;
    const hasWaited = now - this.awaySince >= AWAY_S && this.tries >= AWAY_TRIES;
    // Once it has left the first one, each of the others gets one try.
    if (this.tried.size === 0 && !hasWaited) return null;
    this.tried.add(this.current);
    const open = this.known.filter((url) => !this.tried.has(url));
    const next = this.nearest(open) ?? open[0];
    if (next !== undefined) return { url: next, after_s: FIRST_PAUSE_S * this.random() };
    this.tried.clear();
    this.tried.add(this.current);
    const again = this.nearest(this.known) ?? this.known[0] ?? this.current;
    const pause = Math.min(MAX_PAUSE_S, FIRST_PAUSE_S * 2 ** ++this.pauses);
    return { url: again, after_s: (pause * (1 + this.random())) / 2 };
  }

  private nearest(urls: readonly string[]): string | undefined {
    const measured = urls.filter((url) => this.distances.has(url));
    return measured.sort((a, b) => (this.distances.get(a) as number) - (this.distances.get(b) as number))[0];
  }
}

function originOf(url: string): string | null {
  try {
    const { origin, protocol } = new URL(url);
    return protocol === "http:" || protocol === "https:" ? origin : null;
  } catch {
    return null;
  }
}

/** Browsers let no page of https talk to plain http. */
const isUsable = (url: string, page: string): boolean => !page.startsWith("https:") || url.startsWith("https:");
