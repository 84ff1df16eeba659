// Files on their way to the manager: code and payload files, each by its hash. An upload that broke off goes on where it was.

import { call, Problem } from "../api";
import { tryoutModule } from "./trial";

const PIECE = 8 << 20;
const PIECE_MS = 120_000;
/** Answers in a row that a piece did not fit where it was put, before that is an error. */
const MAX_MISFITS = 3;
export const MAX_CODE_BYTES = 32 << 20;

/** Uploads code; returns its hash. */
export async function uploadCode(file: Blob): Promise<string> {
  if (file.size > MAX_CODE_BYTES) throw new Error("is over the limit of 32 MiB");
  const { hashOf } = await tryoutModule();
  const sha256 = await hashOf(file, () => undefined);
  await call(`/api/workunits/${sha256}?language=wasm`, { method: "PUT", body: file, timeoutMs: PIECE_MS });
  return sha256;
}

/** Uploads a payload file of any size; `told` hears of the progress. Returns its hash. */
export async function uploadBlob(file: Blob, told: (text: string) => void): Promise<string> {
  const { hashOf } = await tryoutModule();
  const sha256 = await hashOf(file, (share) => told(`Reading: ${Math.floor(100 * share)} %`));
  const path = `/api/blobs/${sha256}`;
  let offset = await offsetOf(path);
  let misfits = 0;
  while (offset !== null) {
    told(`Uploading: ${Math.floor((100 * offset) / Math.max(1, file.size))} %`);
    try {
      offset = await put(path, file, offset);
      misfits = 0;
    } catch (error) {
      misfits += 1;
      if (!(error instanceof Problem && error.code === "upload-offset") || misfits > MAX_MISFITS) throw error;
      offset = await offsetOf(path);
    }
  }
  told("");
  return sha256;
}

/** Sends the next piece; returns where the one after it begins, or null when all is there. */
async function put(path: string, file: Blob, offset: number): Promise<number | null> {
  const end = Math.min(file.size, offset + PIECE);
  const isLast = end === file.size;
  const headers = { "Upload-Offset": String(offset), "Upload-Complete": isLast ? "?1" : "?0" };
  await call(path, { method: "PUT", body: file.slice(offset, end), headers, timeoutMs: PIECE_MS });
  return isLast ? null : end;
}

/** How many bytes the manager has; null = all of them. */
async function offsetOf(path: string): Promise<number | null> {
  const answer = await fetch(path, { method: "HEAD", credentials: "same-origin", signal: AbortSignal.timeout(30_000) });
  if (answer.ok) return null;
  const told = Number(answer.headers.get("Upload-Offset") ?? "0");
  return Number.isSafeInteger(told) && told > 0 ? told : 0;
}
