/**
 * When computing pauses by itself: page not in front, on battery, data saver.
 *
 * Rule: started after consent only, since it reads what the machine does.
 */

interface Battery extends EventTarget {
  charging: boolean;
}

interface Connection {
  saveData?: boolean;
}

type Machine = Navigator & { getBattery?: () => Promise<Battery>; connection?: Connection };

export class AutoPause {
  private readonly ends = new AbortController();

  constructor(private readonly set: (reason: "hidden" | "battery" | "data", isOn: boolean) => void) {}

  start(): void {
    const machine = navigator as Machine;
    const look = (): void => {
      this.set("hidden", document.hidden);
    };
    document.addEventListener("visibilitychange", look, { signal: this.ends.signal });
    look();
    this.set("data", machine.connection?.saveData === true);
    machine.getBattery?.().then(
      (battery) => {
        this.watch(battery);
      },
      () => undefined,
    );
  }

  stop(): void {
    this.ends.abort();
  }

  private watch(battery: Battery): void {
    const look = (): void => {
      this.set("battery", !battery.charging);
    };
    battery.addEventListener("chargingchange", look, { signal: this.ends.signal });
    look();
  }
}
