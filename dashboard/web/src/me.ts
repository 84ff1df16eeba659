// Who is signed in and what that allows. Pages show no button that the manager would refuse.

import { signal } from "@preact/signals";
import { callJson } from "./api";

/** From the least to the most; each may what the ones before it may. */
export const ROLES = ["viewer", "researcher", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface Me {
  name: string;
  role: Role;
  /** By name and password, by an API token, or by the manager's own. */
  how?: "session" | "token" | "machine";
  /** Key of the manager that knows the session. */
  cluster?: string;
}

/** Null until it is known. */
export const me = signal<Me | null>(null);

/** Whether the one who is signed in has a role, or a higher one. */
export function may(role: Role): boolean {
  return me.value !== null && ROLES.indexOf(me.value.role) >= ROLES.indexOf(role);
}

/** Whether the one who is signed in may change a task: researchers their own, operators all. */
export function mayChange(owner: string | undefined): boolean {
  return may("operator") || (may("researcher") && owner !== undefined && owner !== "" && owner === me.value?.name);
}

/** Asks who is signed in; called once, before the first page is drawn. */
export async function readMe(): Promise<void> {
  me.value = await callJson<Me>("/session");
}
