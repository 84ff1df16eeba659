/**
 * The client id and secret that a distributor gave, kept for this browser session where storage is allowed.
 *
 * Rule: written after consent only, and gone with "stop and forget". Storage that is refused is no error: the client is then a new one.
 */

import type { Identity } from "../session/session";

const KEY = "disio.identity";
const NOBODY: Identity = { client_id: "", secret: "" };

export function storedIdentity(): Identity {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Identity> | null;
    if (typeof kept?.client_id === "string" && typeof kept.secret === "string") return { client_id: kept.client_id, secret: kept.secret };
  } catch {
    // Refused in this frame, or not ours: go on as a new client.
  }
  return NOBODY;
}

export function rememberIdentity(identity: Identity): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(identity));
  } catch {
    // Refused in this frame.
  }
}

export function forgetIdentity(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Refused in this frame.
  }
}
