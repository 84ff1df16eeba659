// Image tiles: results that are parts of a picture, as docs/new-task.md has them.

/** Pixels of a picture in each direction, at most. */
export const MAX_SIDE = 4096;

export interface Tile {
  x: number;
  y: number;
  w: number;
  h: number;
  /** Of the whole picture, as far as this tile knows. */
  width: number;
  height: number;
  /** Red, green, blue, alpha of each pixel, row by row. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Returns the tile that a result is, or null when it is none. */
export function tileOf(result: unknown): Tile | null {
  if (typeof result !== "object" || result === null) return null;
  const { x, y, w, h, width, height, pixels } = result as Record<string, unknown>;
  if (!isPlace(x) || !isPlace(y) || !isSide(w) || !isSide(h)) return null;
  const text = base64Of(pixels);
  if (text === null || x + w > MAX_SIDE || y + h > MAX_SIDE) return null;
  const rgba = rgbaOf(text, w * h);
  if (!rgba) return null;
  return { x, y, w, h, rgba, width: sideOf(width, x + w), height: sideOf(height, y + h) };
}

function isPlace(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < MAX_SIDE;
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_SIDE;
}

function sideOf(told: unknown, needed: number): number {
  return isSide(told) && told >= needed ? told : needed;
}

/** Bytes come as base64, or as raw bytes are shown in JSON. */
function base64Of(pixels: unknown): string | null {
  if (typeof pixels === "string") return pixels;
  const raw = (pixels as { $base64?: unknown } | null)?.$base64;
  return typeof raw === "string" ? raw : null;
}

/** One byte a pixel is grey, three are red, green and blue, four have alpha too. */
function rgbaOf(text: string, count: number): Uint8ClampedArray<ArrayBuffer> | null {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const channels = binary.length / count;
  if (channels !== 1 && channels !== 3 && channels !== 4) return null;
  const rgba = new Uint8ClampedArray(4 * count).fill(255);
  for (let pixel = 0; pixel < count; pixel += 1) {
    for (let channel = 0; channel < Math.max(3, channels); channel += 1) {
      rgba[4 * pixel + channel] = binary.charCodeAt(channels * pixel + (channels === 1 ? 0 : channel));
    }
  }
  return rgba;
}
