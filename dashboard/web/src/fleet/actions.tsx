// The buttons that act on a distributor; each says what happens before it does.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call, Problem } from "../api";
import { may } from "../me";
import type { Distributor } from "../model";
import { Trouble } from "../parts";
import { useQuestion } from "../question";
import { ACTIONS, type Action, actionsOf, NOTHING } from "./orders";

type Asked = Action | "cap" | null;

export function Actions({ distributor }: { distributor: Distributor }) {
  const { id, name } = distributor;
  const [asked, setAsked] = useState<Asked>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);

  async function perform(path: string, options: { method: string; body?: string }): Promise<void> {
    setBusy(true);
    try {
      await call(`/api/distributors/${encodeURIComponent(id)}/${path}`, options);
      setTrouble(null);
    } catch (error) {
      setTrouble(error instanceof Problem ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  function act(action: Action, reason: string): void {
    const query = reason === "" ? "" : `?reason=${encodeURIComponent(reason)}`;
    void perform(action + query, { method: "POST" });
  }

  if (distributor.state === "refused" || !may("operator")) return null;
  return (
    <div class="verbs">
      {actionsOf(distributor).map((action) => (
        <button
          type="button"
          key={action}
          disabled={busy}
          aria-label={`${ACTIONS[action].label}: ${name}`}
          onClick={() => (ACTIONS[action].what === null ? act(action, "") : setAsked(action))}
        >
          {ACTIONS[action].label}
        </button>
      ))}
      <button type="button" disabled={busy} aria-label={`Cap: ${name}`} onClick={() => setAsked("cap")}>
        Cap
      </button>
      {asked === "cap" && (
        <CapForm
          distributor={distributor}
          onAnswer={(limits) => {
            setAsked(null);
            if (limits) void perform("cap", { method: "PUT", body: JSON.stringify(limits) });
          }}
        />
      )}
      {asked !== null && asked !== "cap" && (
        <ReasonForm
          title={`${ACTIONS[asked].label}: ${name}?`}
          action={ACTIONS[asked].label}
          onAnswer={(reason) => {
            setAsked(null);
            if (reason !== null) act(asked, reason);
          }}
        >
          {ACTIONS[asked].what}
        </ReasonForm>
      )}
      <Trouble text={trouble} />
    </div>
  );
}

interface ReasonProps {
  title: string;
  action: string;
  children: ComponentChildren;
  /** Who reads the reason. */
  readers?: string;
  /** Null = no. */
  onAnswer: (reason: string | null) => void;
}

/** Asks before an action, and for a reason that may be empty; Escape is no. */
export function ReasonForm({ title, action, children, readers = "volunteers", onAnswer }: ReasonProps) {
  const [reason, setReason] = useState("");
  return (
    <Dialog title={title} action={action} onAnswer={(isYes) => onAnswer(isYes ? reason.trim() : null)}>
      <p>{children}</p>
      <label>
        Reason, for {readers} <span class="hint">(may be empty)</span>
        <input type="text" maxLength={200} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
    </Dialog>
  );
}

interface CapProps {
  distributor: Distributor;
  onAnswer: (limits: { max_clients: number; max_slots: number } | null) => void;
}

function CapForm({ distributor: { name, orders = NOTHING, max_clients }, onAnswer }: CapProps) {
  const [clients, setClients] = useState(orders.max_clients);
  const [slots, setSlots] = useState(orders.max_slots);
  return (
    <Dialog
      title={`Cap ${name}`}
      action="Set the cap"
      onAnswer={(isYes) => onAnswer(isYes ? { max_clients: clients, max_slots: slots } : null)}
    >
      <p>
        The newest clients beyond the first number move to other distributors. Units run with the clients that came
        first, up to the second one. 0 takes a limit away.
      </p>
      <NumberField label="Clients at most" value={clients} most={1_000_000} onInput={setClients} />
      {max_clients !== undefined && max_clients > 0 && <p class="hint">It was started for {max_clients}.</p>}
      <NumberField label="Slots at most" value={slots} most={10_000_000} onInput={setSlots} />
    </Dialog>
  );
}

interface NumberProps {
  label: string;
  value: number;
  most: number;
  onInput: (value: number) => void;
}

function NumberField({ label, value, most, onInput }: NumberProps) {
  return (
    <label>
      {label}
      <input
        type="number"
        min={0}
        max={most}
        step={1}
        required
        value={value}
        onInput={(event) => onInput(Math.trunc(event.currentTarget.valueAsNumber || 0))}
      />
    </label>
  );
}

interface DialogProps {
  title: string;
  action: string;
  children: ComponentChildren;
  onAnswer: (isYes: boolean) => void;
}

/** Enter in a field is yes, so what leaves it is no button that sends the form. */
function Dialog({ title, action, children, onAnswer }: DialogProps) {
  const question = useQuestion(onAnswer);
  return (
    <dialog {...question} class="fleet-question" aria-label={title}>
      <h2>{title}</h2>
      <form method="dialog">
        {children}
        <div class="actions">
          <button type="button" onClick={question.onClose}>
            Leave it
          </button>
          <button value="yes" type="submit" class="danger">
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
