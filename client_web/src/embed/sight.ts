/**
 * Whether the visitor can see an element, as far as the browser can tell.
 *
 * Rule: where the browser offers it (IntersectionObserver v2), "seen" means: not covered, not faded, for the last reading. Elsewhere it
 * means: in view.
 */

interface VisibleEntry extends IntersectionObserverEntry {
  isVisible?: boolean;
}

/** The least delay in milliseconds that the browser allows between readings. */
const DELAY_MS = 100;

export class Sight {
  private seen = false;
  private readonly observer: IntersectionObserver;

  constructor(element: Element) {
    const options = { threshold: [1], trackVisibility: true, delay: DELAY_MS };
    this.observer = new IntersectionObserver((entries) => {
      this.read(entries);
    }, options);
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
