/**
 * Whether the visitor can see an element, as far as the browser can tell.
 *
 * Rule: where the browser offers it (IntersectionObserver v2), "seen" means: not covered, not faded, for the last reading. Elsewhere it
 * is true, and the trusted click is all there is.
 */

interface VisibleEntry extends IntersectionObserverEntry {
  isVisible?: boolean;
}

/** The least delay in milliseconds that the browser allows between readings. */
const DELAY_MS = 100;

export class Sight {
  private seen = true;
  private readonly observer: IntersectionObserver;

  constructor(element: Element) {
    const options = { threshold: [1], trackVisibility: true, delay: DELAY_MS };
    this.observer = new IntersectionObserver((entries) => {
      const last = entries.at(-1) as VisibleEntry | undefined;
      if (last !== undefined) this.seen = last.isVisible ?? true;
    }, options);
    this.observer.observe(element);
  }

  get isClear(): boolean {
    const last = this.observer.takeRecords().at(-1) as VisibleEntry | undefined;
    if (last !== undefined) this.seen = last.isVisible ?? true;
    return this.seen;
  }

  stop(): void {
    this.observer.disconnect();
  }
}
