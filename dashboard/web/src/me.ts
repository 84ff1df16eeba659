// Who is signed in and what that allows. Pages show no button that the manager would refuse.

import { signal } from "@preact/signals";
import { callJson } from "./api";

/** From the least to the most; each may what the ones before it may. */
export const ROLES = ["viewer", "researcher", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Null until it is known. */
export const me = signal<{ name: string; role: Role } | null>(null);

/** Whether the one who is signed in has a role, or a higher one. */
export function may(role: Role): boolean {
  return me.value !== null && ROLES.indexOf(me.value.role) >= ROLES.indexOf(role);
}

/** Asks who is signed in; called once, before the first page is drawn. */
export async function readMe(): Promise<void> {
  const { name, role } = await callJson<{ name?: string; role?: Role }>("/session");
  me.value = { name: name ?? "", role: role ?? "admin" };
}
