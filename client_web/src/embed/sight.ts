/**
 * Whether the visitor can see an element, as far as the browser can tell.
 *
 * Rule: where the browser offers it (IntersectionObserver v2), "seen" means: not covered, not faded, for the last reading. Elsewhere it
 * means: in view. What has only just come into sight was not looked at yet.
 */

export interface VisibleEntry extends IntersectionObserverEntry {
  isVisible?: boolean;
}

/** The least delay in milliseconds that the browser allows between readings. */
const DELAY_MS = 100;
/** A click on what came into sight less than this ago was meant for something else. */
const SETTLE_MS = 500;

/** For readings that tell of covers and fades, too, where the browser does. */
export function readingOptions(threshold: number[]): IntersectionObserverInit {
  const options = { threshold, trackVisibility: true, delay: DELAY_MS };
  return options;
}

export class Sight {
  private since: number | null = null;
  private readonly observer: IntersectionObserver;

  /** @param isNoted whether the document's root tells of it */
  constructor(
    element: Element,
    private readonly isNoted: boolean,
  ) {
    this.observer = new IntersectionObserver((entries) => {
      this.read(entries);
    }, readingOptions([1]));
    this.observer.observe(element);
  }

  /** What speaks against a click just now; null = nothing. */
  get objection(): "covered" | "too_soon" | null {
    this.read(this.observer.takeRecords());
    if (this.since === null) return "covered";
    return performance.now() - this.since < SETTLE_MS ? "too_soon" : null;
  }

  private read(entries: IntersectionObserverEntry[]): void {
    const last = entries.at(-1) as VisibleEntry | undefined;
    if (last === undefined) return;
    const isSeen = last.isVisible ?? last.isIntersecting;
    this.since = isSeen ? (this.since ?? performance.now()) : null;
    if (this.isNoted) document.documentElement.dataset["sight"] = isSeen ? "clear" : "covered";
  }
}
