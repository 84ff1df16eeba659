/**
 * Whether the visitor can see that this browser computes.
 *
 * Rule: a box that the page around hides, shrinks to nothing, fades or covers is not seen, as far as the browser can tell. What is
 * scrolled out of view counts as seen only where it was placed in the page's text. A box is unseen only after a moment: it moves and grows.
 */

import { readingOptions, type VisibleEntry } from "./sight";

const LOOK_MS = 250;
const PATIENCE_MS = 600;

export class Presence {
  private entry: VisibleEntry | null = null;
  private lastSeen = 0;
  private isSeen = true;
  private timer = 0;
  private readonly observer: IntersectionObserver;

  constructor(
    private readonly element: Element,
    private readonly isInText: boolean,
    private readonly changed: (isSeen: boolean) => void,
  ) {
    this.observer = new IntersectionObserver((entries) => {
      this.entry = entries.at(-1) ?? this.entry;
      this.look();
    }, readingOptions([0, 1]));
  }

  start(): void {
    this.lastSeen = performance.now();
    this.observer.observe(this.element);
    // A frame without a box gets no readings at all.
    this.timer = window.setInterval(() => {
      this.look();
    }, LOOK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.observer.disconnect();
  }

  private look(): void {
    const now = performance.now();
    // A tab that is not in front gets no readings either, and pauses for its own reason.
    if (document.hidden || this.canBeSeen()) this.lastSeen = now;
    const isSeen = now - this.lastSeen < PATIENCE_MS;
    if (isSeen === this.isSeen) return;
    this.isSeen = isSeen;
    this.changed(isSeen);
  }

  private canBeSeen(): boolean {
    const { width, height } = this.element.getBoundingClientRect();
    if (Math.min(innerWidth, innerHeight, width, height) < 1) return false;
    if (this.entry === null) return true;
    if (!this.entry.isIntersecting) return this.isInText;
    return this.entry.isVisible ?? true;
  }
}
