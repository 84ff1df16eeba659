// One distributor: how it is, what operators want of it, and what can be done.

import * as format from "../format";
import type { Distributor, Manager } from "../model";
import { StateChip } from "../parts";
import { Actions } from "./actions";
import { spaceLevel, warningsOf } from "./health";
import { sentencesOf } from "./orders";

interface Props {
  distributor: Distributor;
  managers: Manager[];
  /** It came while the page was open. */
  isNew: boolean;
}

export function Card({ distributor, managers, isNew }: Props) {
  const { name, id, url, state, region, software } = distributor;
  return (
    <li data-distributor={id}>
      <div class="heading">
        <h3>{name || id}</h3>
        {isNew && <span class="chip state-running">+ new</span>}
        <StateChip state={state} />
      </div>
      {warningsOf(distributor).map((sentence) => (
        <p key={sentence} class="warning">
          <span aria-hidden="true">▲</span> {sentence}
        </p>
      ))}
      {sentencesOf(distributor).map((sentence) => (
        <p key={sentence} class="state-paused value">
          <span aria-hidden="true">‖</span> {sentence}
        </p>
      ))}
      {state !== "refused" && <Numbers distributor={distributor} managers={managers} />}
      <p class="hint value">{[url, region, software].filter(Boolean).join(" · ")}</p>
      {state === "offline" && <p class="hint">Last seen {format.when(distributor.last_seen)}.</p>}
      <Actions distributor={distributor} />
    </li>
  );
}

function Numbers({ distributor, managers }: { distributor: Distributor; managers: Manager[] }) {
  const { clients, slots, kinds, rate, outbox, turned_away = 0, space, manager } = distributor;
  return (
    <dl class="numbers">
      <dt>Clients</dt>
      <dd>
        {format.count(clients)}
        {kindsOf(kinds)}, {format.count(slots)} {slots === 1 ? "slot" : "slots"}
      </dd>
      {turned_away > 0 && (
        <>
          <dt>Turned away</dt>
          <dd>{format.count(turned_away)} for want of places</dd>
        </>
      )}
      <dt>Results</dt>
      <dd>
        {format.rate(rate)}, {format.count(outbox)} waiting for a manager
      </dd>
      {space !== undefined && (
        <>
          <dt>Cache</dt>
          <dd>
            <Space space={space} />
          </dd>
        </>
      )}
      {manager && managers.length > 1 && (
        <>
          <dt>Manager</dt>
          <dd class="value">{managers.find(({ id }) => id === manager)?.url ?? manager}</dd>
        </>
      )}
    </dl>
  );
}

const KIND_WORDS: Record<string, string> = { web: "in browsers", cli: "on machines" };

function kindsOf(kinds: Distributor["kinds"]): string {
  if (Array.isArray(kinds)) return "";
  const told = Object.entries(kinds).map(([kind, many]) => `${format.count(many)} ${KIND_WORDS[kind] ?? kind}`);
  return told.length > 0 ? ` (${told.join(", ")})` : "";
}

function Space({ space }: { space: number }) {
  const share = Math.min(1, Math.max(0, space));
  return (
    <span class="space">
      <svg class="progress" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bar-rest" width="1000" height="8" />
        <rect class={`space-${spaceLevel(space)}`} width={1000 * share} height="8" />
      </svg>
      {format.percent(share, 1)} used
    </span>
  );
}
