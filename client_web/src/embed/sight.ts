/**
 * Whether the visitor can see an element, as far as the browser can tell.
 *
 * Rule: where the browser offers it (IntersectionObserver v2), "seen" means: not covered, not faded, for the last reading. Elsewhere it
 * means: in view.
 */

export interface VisibleEntry extends IntersectionObserverEntry {
  isVisible?: boolean;
}

/** The least delay in milliseconds that the browser allows between readings. */
const DELAY_MS = 100;

/** For readings that tell of covers and fades, too, where the browser does. */
export function readingOptions(threshold: number[]): IntersectionObserverInit {
  const options = { threshold, trackVisibility: true, delay: DELAY_MS };
  return options;
}

export class Sight {
  private seen = false;
  private readonly observer: IntersectionObserver;

  constructor(element: Element) {
    this.observer = new IntersectionObserver((entries) => {
      this.read(entries);
    }, readingOptions([1]));
    this.observer.observe(element);
  }

  get isClear(): boolean {
    this.read(this.observer.takeRecords());
    return this.seen;
  }

  stop(): void {
    this.observer.disconnect();
  }

  private read(entries: IntersectionObserverEntry[]): void {
    const last = entries.at(-1) as VisibleEntry | undefined;
    if (last === undefined) return;
    this.seen = last.isVisible ?? last.isIntersecting;
    document.documentElement.dataset["sight"] = this.seen ? "clear" : "covered";
  }
}
