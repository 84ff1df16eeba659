import { afterEach, beforeEach, expect, test, vi } from "vitest";

type Api = typeof import("../src/api");
let api: Api;
const answers: (() => Response)[] = [];
const asked: { url: string; options: RequestInit }[] = [];

beforeEach(async () => {
  vi.resetModules();
  api = await import("../src/api");
  vi.stubGlobal("fetch", async (url: string, options: RequestInit) => {
    asked.push({ url, options });
    const answer = answers.shift();
    if (!answer) throw new TypeError("Failed to fetch");
    return answer();
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  answers.length = 0;
  asked.length = 0;
});

function json(body: unknown, status = 200): () => Response {
  return () => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

test("an unsafe call carries the session's token, which is asked for once", async () => {
  answers.push(json({ csrf: "secret" }), json({ id: "a" }), json({ id: "b" }));
  await api.callJson("/api/tasks", { method: "POST", body: "{}" });
  await api.callJson("/api/tasks", { method: "POST", body: "{}" });
  expect(asked.map(({ url }) => url)).toEqual(["/session", "/api/tasks", "/api/tasks"]);
  expect(asked[1]?.options.headers).toMatchObject({ "X-Disio-Csrf": "secret", "Content-Type": "application/json" });
});

test("a problem document becomes a Problem with its field errors", async () => {
  const errors = [{ path: "name", message: "empty" }, { path: 5 }, null];
  answers.push(json({ title: "t", detail: "d", code: "invalid-document", errors }, 422));
  const problem = await api.callJson("/api/tasks").catch((error: unknown) => error);
  expect(problem).toMatchObject({ status: 422, code: "invalid-document", message: "d" });
  expect(problem).toHaveProperty("errors", [{ path: "name", message: "empty" }]);
});

test("an answer that is no problem document still is a Problem", async () => {
  answers.push(() => new Response("<html>", { status: 502 }));
  await expect(api.callJson("/api/x")).rejects.toMatchObject({ status: 502, message: "The manager answered 502." });
});

test("an outage is noted until an answer comes", async () => {
  await expect(api.callJson("/api/x")).rejects.toMatchObject({ status: 0 });
  expect(api.outage.value).toBe("The dashboard does not answer.");
  answers.push(json({ detail: "no manager answers at x", code: "manager-unreachable" }, 503));
  await expect(api.callJson("/api/x")).rejects.toMatchObject({ status: 503 });
  expect(api.outage.value).toBe("no manager answers at x");
  answers.push(json({}));
  await api.callJson("/api/x");
  expect(api.outage.value).toBeNull();
});

test("a refused token is asked for anew", async () => {
  answers.push(json({ csrf: "old" }), json({ code: "csrf" }, 403), json({ csrf: "new" }), json({}));
  await expect(api.call("/api/x", { method: "POST" })).rejects.toMatchObject({ code: "csrf" });
  await api.call("/api/x", { method: "POST" });
  expect(asked.at(-1)?.options.headers).toMatchObject({ "X-Disio-Csrf": "new" });
});
