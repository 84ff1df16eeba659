// Calls to the manager through the dashboard. Every failure becomes one Problem; nothing waits longer than 30 s.

import { signal } from "@preact/signals";
import type { FieldError } from "./model";

const TIMEOUT_MS = 30_000;
const BYTES = "application/octet-stream";
const CSRF_HEADER = "X-Disio-Csrf";

/** Why the manager cannot be asked just now; null = it can. */
export const outage = signal<string | null>(null);

let csrf: Promise<string> | null = null;

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: FieldError[];

  constructor(status: number, code: string, message: string, errors: FieldError[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

interface Call {
  method?: string;
  /** JSON text, or bytes. */
  body?: string | Blob;
  timeoutMs?: number;
  headers?: Record<string, string>;
}

/** Calls the manager and returns the answer; throws Problem for everything that is no success. */
export async function call(path: string, options: Call = {}): Promise<Response> {
  const { method = "GET", body, headers = {}, timeoutMs = TIMEOUT_MS } = options;
  const sent: Record<string, string> = { Accept: "application/json", ...headers };
  if (body !== undefined) sent["Content-Type"] ??= typeof body === "string" ? "application/json" : BYTES;
  if (method !== "GET") sent[CSRF_HEADER] = await csrfToken();
  const response = await reach(path, timeoutMs, { method, headers: sent, ...(body === undefined ? {} : { body }) });
  if (!response.ok) throw await readProblem(response);
  outage.value = null;
  return response;
}

export async function callJson<T>(path: string, options?: Call): Promise<T> {
  return (await (await call(path, options)).json()) as T;
}

export async function signOut(): Promise<void> {
  await call("/logout", { method: "POST" });
  location.assign("/login");
}

/** Finds out why a live stream broke: says so in `outage`, or leaves for the sign-in page. */
export async function diagnose(): Promise<void> {
  try {
    await call("/api/me");
  } catch {
    // call() has noted an outage, and readProblem() an ended session.
  }
}

async function reach(path: string, timeoutMs: number, options: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...options, signal: AbortSignal.timeout(timeoutMs), credentials: "same-origin" });
  } catch (error) {
    const isSlow = error instanceof DOMException && error.name === "TimeoutError";
    outage.value = isSlow ? `No answer for ${timeoutMs / 1000} s.` : "The dashboard does not answer.";
    throw new Problem(0, "unreachable", outage.value);
  }
}

async function readProblem(response: Response): Promise<Problem> {
  const told: unknown = await response.json().catch(() => null);
  const problem = asProblem(response.status, told);
  if (problem.status === 503) outage.value = problem.message;
  if (problem.status === 401) leave();
  if (problem.code === "csrf") csrf = null;
  return problem;
}

function asProblem(status: number, told: unknown): Problem {
  if (typeof told !== "object" || told === null) return new Problem(status, "error", `The manager answered ${status}.`);
  const { code, title, detail, errors } = told as Record<string, unknown>;
  const text = [detail, title].find((part) => typeof part === "string" && part !== "") as string | undefined;
  const fields = Array.isArray(errors) ? errors.filter(isFieldError) : [];
  return new Problem(
    status,
    typeof code === "string" ? code : "error",
    text ?? `The manager answered ${status}.`,
    fields,
  );
}

function isFieldError(error: unknown): error is FieldError {
  const { path, message } = (error ?? {}) as Record<string, unknown>;
  return typeof path === "string" && typeof message === "string";
}

function csrfToken(): Promise<string> {
  csrf ??= callJson<{ csrf: string }>("/session").then(
    (session) => session.csrf,
    (error: unknown) => {
      csrf = null;
      throw error;
    },
  );
  return csrf;
}

function leave(): void {
  location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
}
