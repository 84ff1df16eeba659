// Results as a picture: tiles paint themselves on a canvas as they arrive.

import { useEffect, useRef, useState } from "preact/hooks";
import * as format from "../format";
import type { Result, Task } from "../model";
import { Trouble } from "../parts";
import { query, setQuery } from "../route";
import { follow } from "./follow";
import { MAX_SIDE, type Tile, tileOf } from "./tiles";

const ZOOMS: [value: string, label: string][] = [
  ["", "Fit"],
  ["1", "100 %"],
  ["2", "200 %"],
  ["4", "400 %"],
];

interface Painted {
  tiles: number;
  others: number;
  width: number;
  height: number;
}

const NOTHING: Painted = { tiles: 0, others: 0, width: 0, height: 0 };

export function ImageView({ task }: { task: Task }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { painted, trouble } = usePainted(task, canvas);
  const [told, setTold] = useState("");
  const zoom = query.value.get("zoom") ?? "";
  useEffect(() => {
    if (canvas.current) canvas.current.style.width = zoom === "" ? "" : `${painted.width * Number(zoom)}px`;
  }, [zoom, painted.width]);
  const size = `${painted.width} × ${painted.height}`;
  return (
    <>
      <Trouble text={trouble} />
      <div class="actions">
        <p role="status" class="mono painted">
          {format.count(painted.tiles)} of {format.count(task.total)} tiles painted
          {painted.others > 0 && `, and ${format.many(painted.others, "result")} without a tile`}
        </p>
        <label>
          Zoom{" "}
          <select value={zoom} onChange={(event) => setQuery({ zoom: event.currentTarget.value })}>
            {ZOOMS.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          disabled={painted.tiles === 0}
          onClick={() => canvas.current && exportPng(canvas.current, task.name, setTold)}
        >
          Export PNG
        </button>
        <span role="status">{told}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to get there */}
      <section class="picture" tabIndex={0} aria-label="Picture" {...panning}>
        <canvas
          ref={canvas}
          class={zoom === "" ? "fit" : "zoomed"}
          width={1}
          height={1}
          role="img"
          aria-label={`Picture of ${size} pixels, ${painted.tiles} of ${task.total} tiles`}
        />
      </section>
      <p class="hint">
        {painted.tiles > 0 ? `${size} pixels. ` : ""}
        {MAX_SIDE} × {MAX_SIDE} at most.
      </p>
    </>
  );
}

function usePainted(task: Task, canvas: { current: HTMLCanvasElement | null }) {
  const [painted, setPainted] = useState(NOTHING);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    let now = NOTHING;
    const take = (rows: Result[]) => {
      if (canvas.current) now = paint(canvas.current, rows, now);
      setPainted(now);
    };
    follow(task.id, take, stop.signal).catch((error: Error) => setTrouble(error.message));
    return () => stop.abort();
  }, [task.id]);
  return { painted, trouble };
}

function paint(canvas: HTMLCanvasElement, rows: Result[], before: Painted): Painted {
  const tiles = rows.map(({ result }) => tileOf(result)).filter((tile): tile is Tile => tile !== null);
  const width = Math.max(before.width, ...tiles.map((tile) => tile.width));
  const height = Math.max(before.height, ...tiles.map((tile) => tile.height));
  if (tiles.length > 0) grow(canvas, width, height);
  const context = canvas.getContext("2d");
  for (const { x, y, w, h, rgba } of tiles) context?.putImageData(new ImageData(rgba, w, h), x, y);
  return { width, height, tiles: before.tiles + tiles.length, others: before.others + rows.length - tiles.length };
}

/** Makes the canvas larger; what is painted stays. */
function grow(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width === width && canvas.height === height) return;
  const context = canvas.getContext("2d");
  const old = context?.getImageData(0, 0, canvas.width, canvas.height);
  canvas.width = width;
  canvas.height = height;
  if (old) canvas.getContext("2d")?.putImageData(old, 0, 0);
}

function exportPng(canvas: HTMLCanvasElement, name: string, tell: (text: string) => void): void {
  canvas.toBlob((blob) => {
    if (!blob) return tell("This browser makes no PNG of it.");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "picture"}.png`;
    link.click();
    // The download has begun by then; the address is of no use any more.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    tell(`${link.download}, ${format.bytes(blob.size)}`);
  }, "image/png");
}

/** Dragging moves the picture within its frame. */
const panning = {
  onPointerDown: (event: PointerEvent) => {
    const frame = event.currentTarget as HTMLElement;
    if (event.pointerType === "mouse") frame.setPointerCapture(event.pointerId);
  },
  onPointerMove: (event: PointerEvent) => {
    const frame = event.currentTarget as HTMLElement;
    if (frame.hasPointerCapture(event.pointerId)) frame.scrollBy(-event.movementX, -event.movementY);
  },
};
