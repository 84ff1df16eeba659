// Which cluster the pages show, in the head of each; there is nothing to see where there is but one.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { callJson } from "../api";
import { me } from "../me";
import { type ClusterRow, type Clusters, factsOf, leaveFor, nameOf } from "./model";

const REREAD_MS = 10_000;
/** Tabs of one browser share the choice: those that show another cluster are loaded again. */
const CHANNEL = "disio-cluster";
const clusters = signal<Clusters | null>(null);

export function ClusterChooser() {
  useClusters();
  useOneChoice(me.value?.cluster);
  const told = clusters.value;
  const chosen = told?.items.find((each) => each.chosen);
  if (!told || !chosen || told.items.length < 2) return null;
  return (
    <details class="clusters">
      <summary>
        <span class="unseen">Cluster: </span>
        {nameOf(chosen)} <Reached row={chosen} />
      </summary>
      <ul aria-label="Clusters">
        {told.items.map((row) => (
          <Item key={row.key} row={row} />
        ))}
      </ul>
      {told.left_out > 0 && <p class="hint">{told.left_out} more announced themselves and are not shown.</p>}
    </details>
  );
}

function Item({ row }: { row: ClusterRow }) {
  return (
    <li>
      <a href={leaveFor(row.key)} target="_self" aria-current={row.chosen ? "true" : undefined}>
        {nameOf(row)}
      </a>{" "}
      <Reached row={row} />
      <span class="hint">{factsOf(row)}</span>
      {row.instead !== "" && (
        <a href={leaveFor(row.instead)} target="_self">
          Sign in at {row.instead_address} instead
        </a>
      )}
    </li>
  );
}

function Reached({ row }: { row: ClusterRow }) {
  const isOnline = row.state === "online";
  return (
    <span class={`chip state-${isOnline ? "online" : "offline"}`}>
      <span aria-hidden="true">{isOnline ? "●" : "✕"}</span> {isOnline ? "reachable" : "not reachable"}
    </span>
  );
}

function useClusters(): void {
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function read(): Promise<void> {
      if (!document.hidden) {
        const told = await callJson<Clusters>("/clusters").catch(() => null); // api.ts has noted why
        if (told) clusters.value = told;
      }
      if (!isOver && clusters.value?.changes !== false) timer = setTimeout(() => void read(), REREAD_MS);
    }
    void read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
}

function useOneChoice(mine: string | undefined): void {
  useEffect(() => {
    if (mine === undefined || !("BroadcastChannel" in window)) return;
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = ({ data }) => {
      if (data !== mine) location.assign("/");
    };
    channel.postMessage(mine);
    return () => channel.close();
  }, [mine]);
}
