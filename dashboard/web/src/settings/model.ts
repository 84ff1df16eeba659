// What the manager says of people: shapes, and calls that change them.

import { call, callJson, Problem } from "../api";
import type { Role } from "../me";

export interface User {
  name: string;
  role: Role;
  disabled: boolean;
  created_at: number;
}

export interface ApiToken {
  id: string;
  label: string;
  owner: string;
  role: Role;
  created_at: number;
  expires_at: number;
  used_at: number;
  /** In the answer that makes it, and never again. */
  secret?: string;
}

export interface SignIn {
  id: string;
  name: string;
  address: string;
  program: string;
  created_at: number;
  used_at: number;
  expires_at: number;
  this: boolean;
}

export interface About {
  software: string;
  protocol: number;
  database: string;
  data_dir: string;
  cluster: string;
}

export interface List<Item> {
  items: Item[];
  total: number;
}

export const MIN_PASSWORD = 10;

export const send = <T>(method: string, path: string, body?: unknown): Promise<T> =>
  callJson<T>(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

export async function remove(path: string): Promise<void> {
  await call(path, { method: "DELETE" });
}

/** What went wrong, for a person; fields are named where there are several. */
export function reason(error: unknown): string {
  if (!(error instanceof Problem)) return String(error);
  if (error.errors.length === 0) return error.message;
  return error.errors.map(({ path, message }) => `${path.replaceAll("_", " ")} ${message}`.trim()).join("; ");
}

const BROWSERS: [RegExp, string][] = [
  [/Edg\/(\d+)/, "Edge"],
  [/OPR\/(\d+)/, "Opera"],
  [/Firefox\/(\d+)/, "Firefox"],
  [/Chrome\/(\d+)/, "Chrome"],
  [/Version\/(\d+).*Safari/, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux/, "Linux"],
];

/** A short name for what a browser or program says of itself. */
export function programName(told: string): string {
  const [browser, version] = BROWSERS.map(([form, name]) => [name, form.exec(told)?.[1]]).find(([, at]) => at) ?? [];
  if (browser === undefined) return told === "" ? "A program" : told;
  const system = SYSTEMS.find(([form]) => form.test(told))?.[1];
  return `${browser} ${version}${system === undefined ? "" : ` on ${system}`}`;
}
