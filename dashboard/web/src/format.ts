// Numbers, durations and times for people; every one of them is exact where it can be.

const counts = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return counts.format(value);
}

/** "1 slot", "7 slots". */
export function many(value: number, noun: string): string {
  return `${count(value)} ${value === 1 ? noun : `${noun}s`}`;
}

export function percent(done: number, total: number): string {
  if (total <= 0) return "0 %";
  const share = (100 * done) / total;
  // Rounding up to 100 % would say "finished" too early.
  return `${share >= 100 ? 100 : share < 10 ? Math.floor(share * 10) / 10 : Math.floor(share)} %`;
}

export function rate(perSecond: number | null | undefined): string {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond <= 0) return "0/s";
  if (perSecond >= 100) return `${count(Math.round(perSecond))}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  return perSecond * 60 >= 1 ? `${(perSecond * 60).toFixed(1)}/min` : `${(perSecond * 3600).toFixed(1)}/h`;
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** A unit's own run time, which is often far below a second. */
export function runTime(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}

export function when(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toLocaleString();
}

/** JSON on one line, cut where a table cell would burst. */
export function brief(value: unknown, limit = 200): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > limit ? `${text.slice(0, limit)}… (${count(text.length)} characters)` : text;
}
