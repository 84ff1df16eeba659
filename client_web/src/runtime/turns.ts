/**
 * Turns of the event loop, for the runner alone.
 *
 * Rule: no timer is used: those are late in pages that are not in front, and a unit may have asked for thousands of them.
 */

export class Turns {
  private readonly channel = new MessageChannel();
  private readonly send = this.channel.port2.postMessage.bind(this.channel.port2);
  private resume: (() => void) | null = null;

  constructor() {
    this.channel.port1.onmessage = () => {
      this.resume?.();
    };
  }

  /** Resolves after everything that waits in the event loop now had its turn. One at a time. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.resume = resolve;
      this.send(null);
    });
  }
}
