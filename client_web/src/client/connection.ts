/**
 * The Socket.IO connection of the client link: one event, `m`, with the bytes of one message.
 *
 * Rule: bytes go out as ArrayBuffer and nothing else, since the outer MessagePack parser spoils typed arrays. A message that does not decode
 * closes the connection.
 */

import { io, type Socket } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import { decodeToClient, encodeFromClient, type FromClient, type ToClient } from "../protocol/messages";

/** Milliseconds for an acknowledgement. */
const ANSWER_MS = 20_000;
/** For a connection to be made. */
const CONNECT_MS = 10_000;
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

export interface ConnectionEvents {
  connected(): void;
  disconnected(): void;
  /** No connection could be made, or it broke; the next try follows by itself, unless another address is opened. */
  failed(): void;
  message(message: ToClient): void;
}

export class Connection {
  private socket: Socket | null = null;
  private timer = 0;

  constructor(private readonly events: ConnectionEvents) {}

  /** Connect to a base URL, and again whenever the connection breaks, with jittered delays that double. */
  open(url: string): void {
    this.close();
    const socket = io(url, {
      parser,
      transports: ["websocket"],
      forceNew: true,
      reconnectionDelay: FIRST_DELAY_MS,
      reconnectionDelayMax: MAX_DELAY_MS,
      randomizationFactor: 0.5,
      timeout: CONNECT_MS,
    });
    this.socket = socket;
    socket.on("connect", () => {
      this.events.connected();
    });
    socket.on("disconnect", (reason) => {
      this.events.disconnected();
      if (this.socket === socket) this.events.failed();
      // The library comes back by itself after any other reason.
      if (reason === "io server disconnect" && this.socket === socket) this.openLater(url, FIRST_DELAY_MS * (2 + 8 * Math.random()));
    });
    socket.on("connect_error", () => {
      if (this.socket === socket) this.events.failed();
    });
    socket.on("m", (data: unknown) => {
      this.receive(data);
    });
  }

  openLater(url: string, delay_ms: number): void {
    this.close();
    this.timer = window.setTimeout(() => {
      this.open(url);
    }, delay_ms);
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.disconnect();
  }

  send(message: FromClient): void {
    this.socket?.emit("m", bytesOf(message));
  }

  /** Send and wait for the acknowledgement; null when it does not come or makes no sense. */
  ask(message: FromClient): Promise<ToClient | null> {
    const { socket } = this;
    if (socket === null) return Promise.resolve(null);
    return new Promise((resolve) => {
      socket.timeout(ANSWER_MS).emit("m", bytesOf(message), (error: unknown, answer: unknown) => {
        resolve(error ? null : decoded(answer));
      });
    });
  }

  private receive(data: unknown): void {
    const message = decoded(data);
    if (message === null) return void this.socket?.io.engine.close();
    this.events.message(message);
  }
}

function bytesOf(message: FromClient): ArrayBuffer {
  return encodeFromClient(message).slice().buffer;
}

function decoded(data: unknown): ToClient | null {
  if (!(data instanceof ArrayBuffer)) return null;
  try {
    return decodeToClient(new Uint8Array(data));
  } catch (error) {
    console.warn("disio:", error);
    return null;
  }
}
