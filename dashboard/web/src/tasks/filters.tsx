// What narrows the list of tasks; all of it is in the address bar.

import { useEffect, useRef } from "preact/hooks";
import { me } from "../me";
import { TASK_STATES } from "../model";
import { query, setQuery } from "../route";
import { AGES, isNarrow, SORTS, wantedOf } from "./filter";

const PAUSE_MS = 250;

/** Changes the filter, and begins on the first page again. */
function change(changes: Record<string, string>, keep = true): void {
  setQuery({ ...changes, page: "" }, { keep });
}

export function Filters() {
  const wanted = wantedOf(query.value);
  function toggle(state: (typeof TASK_STATES)[number]): void {
    const others = wanted.states.filter((one) => one !== state);
    change({ state: (wanted.states.includes(state) ? others : [...others, state]).join(",") });
  }
  return (
    <search class="task-filters">
      <Typed name="Name or tag" field="q" value={wanted.q} />
      <Typed name="Owner" field="owner" value={wanted.owner} />
      <Choice name="Created" field="created" value={wanted.created} among={AGES} />
      <Choice name="Ended" field="ended" value={wanted.ended} among={AGES} />
      <Choice name="Sorted by" field="sort" value={wanted.sort} among={SORTS} />
      <fieldset class="choices">
        <legend>State</legend>
        {TASK_STATES.map((state) => (
          <button type="button" key={state} aria-pressed={wanted.states.includes(state)} onClick={() => toggle(state)}>
            {state}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={wanted.failures}
          onClick={() => change({ failures: wanted.failures ? "" : "yes" })}
        >
          with failures
        </button>
        {me.value?.how === "session" && (
          <button
            type="button"
            aria-pressed={wanted.owner === me.value.name}
            onClick={() => change({ owner: wanted.owner === me.value?.name ? "" : (me.value?.name ?? "") })}
          >
            mine
          </button>
        )}
        {isNarrow(wanted) && (
          <button
            type="button"
            class="quiet"
            onClick={() => change({ state: "", q: "", owner: "", created: "", ended: "", failures: "" })}
          >
            Clear the filter
          </button>
        )}
      </fieldset>
    </search>
  );
}

/** A text that narrows the list once one stops typing. */
function Typed({ name, field, value }: { name: string; field: string; value: string }) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (search.current && document.activeElement !== search.current) search.current.value = value;
  }, [value]);
  return (
    <label>
      <span>{name}</span>
      <input
        ref={search}
        type="text"
        maxLength={200}
        defaultValue={value}
        onInput={(event) => {
          const { value: typed } = event.currentTarget;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => change({ [field]: typed.trim() }, false), PAUSE_MS);
        }}
      />
    </label>
  );
}

interface ChoiceProps {
  name: string;
  field: string;
  value: string;
  among: readonly (readonly [string, string])[];
}

function Choice({ name, field, value, among }: ChoiceProps) {
  return (
    <label>
      <span>{name}</span>
      <select value={value} onChange={(event) => change({ [field]: event.currentTarget.value })}>
        {among.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
