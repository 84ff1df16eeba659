/**
 * What the machine and the page are doing that computing must stay out of the way of.
 *
 * Rule: started after consent only, since it reads what the machine does.
 */

import type { Cause } from "./pauses";
import { SAMPLE_MS } from "./pressure";

interface Battery extends EventTarget {
  charging: boolean;
}

interface Observer {
  observe(source: "cpu", options: { sampleInterval: number }): Promise<void>;
  disconnect(): void;
}
type PressureReader = new (callback: (records: { state: string }[]) => void) => Observer;

type Machine = Navigator & {
  getBattery?: () => Promise<Battery>;
  connection?: EventTarget & { saveData?: boolean };
  deviceMemory?: number;
  userAgentData?: { mobile?: boolean };
};

const LOW_MEMORY_GB = 4;

const machine = navigator as Machine;

/** A phone, a tablet, or little memory. */
export function isSmall(): boolean {
  const isTablet = machine.maxTouchPoints > 1 && /Android|iPhone|iPad|Macintosh/.test(machine.userAgent);
  return machine.userAgentData?.mobile === true || isTablet || /Mobi/.test(machine.userAgent) || (machine.deviceMemory ?? LOW_MEMORY_GB) < LOW_MEMORY_GB;
}

export class MachineWatch {
  private readonly ends = new AbortController();
  private pressure: Observer | null = null;

  /** @param read told how the processor is doing, as browsers call it */
  constructor(
    private readonly set: (cause: Cause, isOn: boolean) => void,
    private readonly read: (state: string) => void,
  ) {}

  start(): void {
    this.follow(document, ["visibilitychange"], "hidden", () => document.hidden);
    this.follow(window, ["online", "offline"], "offline", () => !navigator.onLine);
    const reduced = matchMedia("(prefers-reduced-data: reduce)");
    const savesData = (): boolean => machine.connection?.saveData === true || reduced.matches;
    this.follow(reduced, ["change"], "data", savesData);
    if (machine.connection) this.follow(machine.connection, ["change"], "data", savesData);
    this.watchBattery().catch(() => undefined);
    this.watchPressure().catch(() => undefined);
  }

  stop(): void {
    this.ends.abort();
    this.pressure?.disconnect();
  }

  private follow(target: EventTarget, events: string[], cause: Cause, read: () => boolean): void {
    const look = (): void => {
      this.set(cause, read());
    };
    for (const event of events) target.addEventListener(event, look, { signal: this.ends.signal });
    look();
  }

  private async watchBattery(): Promise<void> {
    const battery = await machine.getBattery?.();
    if (battery !== undefined && !this.ends.signal.aborted) this.follow(battery, ["chargingchange"], "battery", () => !battery.charging);
  }

  private async watchPressure(): Promise<void> {
    const Reader = (globalThis as { PressureObserver?: PressureReader }).PressureObserver;
    if (Reader === undefined) return;
    this.pressure = new Reader((records) => {
      const state = records.at(-1)?.state;
      if (state !== undefined) this.read(state);
    });
    await this.pressure.observe("cpu", { sampleInterval: SAMPLE_MS });
  }
}
