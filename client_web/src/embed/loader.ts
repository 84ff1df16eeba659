/**
 * The loader, `/client.js`: a button on the embedding page, the frame behind it, and `window.disio`.
 *
 * Rule: tiny, and harmless. Before the visitor clicks (or the page calls open()) it requests and stores nothing. It cannot start any
 * computing: that takes a click inside the consent frame, which no page script can make.
 */

import type { FromConsent, PublicState, Stats, ToConsent } from "../protocol/embed";

type Listener = (detail: unknown) => void;

const script = document.currentScript as HTMLScriptElement | null;
if (script !== null && !("disio" in window)) install(script);

function install(tag: HTMLScriptElement): void {
  const data = tag.dataset;
  const base = new URL(tag.src).origin;
  const listeners: Record<string, Listener[]> = {};
  const corner = data["position"] ?? "bottom-right";
  let state: PublicState = "idle";
  let stats: Stats = { units: 0, seconds: 0, tasks: [], percent: 0 };
  let frame: HTMLIFrameElement | null = null;
  let button: HTMLElement | null = null;

  const emit = (type: string, detail: unknown): void => {
    for (const listener of listeners[type] ?? []) listener(detail);
    document.dispatchEvent(new CustomEvent(`disio:${type}`, { detail }));
  };
  const setState = (to: PublicState, reason = ""): void => {
    if (to === state) return;
    const from = state;
    state = to;
    emit("state", { from, to, reason });
  };
  const tell = (type: ToConsent["type"]): void => frame?.contentWindow?.postMessage({ disio: type }, base);

  const place = (element: HTMLElement): void => {
    const [y = "bottom", x = "right"] = corner.split("-");
    element.style.cssText = `all:initial;position:fixed;z-index:2147483646;color-scheme:light dark;${y === "top" ? "top" : "bottom"}:16px;${x === "left" ? "left" : "right"}:16px;`;
  };

  const open = (): void => {
    if (frame !== null) return tell("open");
    const query = new URLSearchParams({ site: data["site"] ?? "", purpose: data["purpose"] ?? "", lang: data["lang"] ?? "" });
    frame = document.createElement("iframe");
    place(frame);
    frame.title = "disio: lend computing time";
    frame.referrerPolicy = "origin";
    frame.allow = "";
    frame.src = `${base}/embed/consent#${query.toString()}`;
    frame.style.cssText += "border:0;width:360px;height:420px;max-width:calc(100vw - 32px);max-height:calc(100vh - 32px)";
    document.body.append(frame);
    if (button) button.style.display = "none";
    setState("asked");
  };

  const close = (): void => {
    frame?.remove();
    frame = null;
  };

  const showButton = (): void => {
    if (data["widget"] === "none") return;
    const host = document.createElement("div");
    place(host);
    const face = document.createElement("button");
    face.type = "button";
    face.textContent = data["label"] ?? "Lend computing time";
    // Through the object model: a page's policy may forbid style attributes.
    face.style.cssText =
      "all:initial;font:500 14px/1.2 system-ui,sans-serif;padding:14px 18px;border-radius:999px;cursor:pointer;background:light-dark(#fff,#1d2530);color:light-dark(#14202e,#e8eef6);border:1px solid light-dark(#c3ccd8,#425064);box-shadow:0 2px 8px #0003";
    face.onfocus = () => (face.style.outline = "2px solid #2f6fed");
    face.onblur = () => (face.style.outline = "");
    face.onclick = open;
    host.attachShadow({ mode: "closed" }).append(face);
    button = host;
    document.body.append(host);
  };

  addEventListener("message", (event: MessageEvent<FromConsent>) => {
    if (frame === null || event.source !== frame.contentWindow || event.origin !== base) return;
    const message = event.data;
    if (message.disio === "size") {
      frame.style.width = `${message.width}px`;
      frame.style.height = `${message.height}px`;
    } else if (message.disio === "consent") {
      emit("consent", message.answer);
      if (message.answer !== "granted") close();
    } else {
      stats = message.stats;
      emit("stats", stats);
      setState(message.state, message.reason);
      if (message.state === "idle" && button) button.style.display = "";
    }
  });

  const api = {
    open,
    pause: () => {
      tell("pause");
    },
    resume: () => {
      tell("resume");
    },
    revoke: () => {
      tell("revoke");
    },
    get state() {
      return state;
    },
    get stats() {
      return { ...stats };
    },
    /** Call `listener` for "state", "consent" and "stats"; returns a function that ends it. */
    on: (type: string, listener: Listener) => {
      const list = (listeners[type] ??= []);
      list.push(listener);
      return () => {
        listeners[type] = list.filter((one) => one !== listener);
      };
    },
  };
  Object.defineProperty(window, "disio", { value: Object.freeze(api), enumerable: true });
  // An async script may run before the body is there.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", showButton);
  else showButton();
}
