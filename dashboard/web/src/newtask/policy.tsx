// How a task is run: every field of the policy with what it means. What has no field goes as JSON.

import { useState } from "preact/hooks";
import { ADVANCED } from "./draft";
import { ChoiceField, CodeField, type FormProps, ManyField, TextField } from "./fields";

export function PolicyFields(props: FormProps) {
  return (
    <fieldset class="policy">
      <legend>Policy</legend>
      <TextField {...props} numeric field="policy.priority" label="Priority" hint="−1000 to 1000; higher goes first" />
      <TextField {...props} numeric field="policy.weight" label="Weight" hint="share among equals; 1 if empty" />
      <TextField
        {...props}
        numeric
        field="policy.unit_timeout_s"
        label="Unit timeout (s)"
        hint="for one payload; a test proposes five times its run"
      />
      <TextField {...props} numeric field="policy.max_failures" label="Max failures" hint="of one payload" />
      <TextField {...props} numeric field="policy.max_distributors" label="Max distributors" hint="0 = any number" />
      <TextField
        {...props}
        numeric
        field="policy.requires.memory_mb"
        label="Memory (MiB)"
        hint="what a client must offer, and a unit may take; 64 if empty"
      />
      <ManyField
        {...props}
        field="policy.requires.kinds"
        label="Clients"
        options={[
          ["web", "Browsers"],
          ["cli", "Machines"],
        ]}
      />
      <p class="hint wide-hint">
        Each payload is computed once, and once more when there is nothing else to do: redundancy 1, verify fixed and
        compare exact are the only values in this version.
      </p>
      <AdvancedFields {...props} />
    </fieldset>
  );
}

function AdvancedFields(props: FormProps) {
  const [isOpen, setOpen] = useState(false);
  const hasErrors = ADVANCED.some((field) => props.errors[field]);
  return (
    <details class="advanced" open={isOpen || hasErrors} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Advanced</summary>
      <div class="columns">
        <TextField
          {...props}
          numeric
          field="policy.max_lost"
          label="Max lost"
          hint="hand-outs of one payload whose client went away, before it fails"
        />
        <TextField
          {...props}
          numeric
          field="policy.max_task_failures"
          label="Max failed payloads"
          hint="at which the whole task ends as failed; empty = none"
        />
        <TextField
          {...props}
          field="policy.deadline"
          label="Deadline"
          hint="such as 2030-01-31T18:00, in this computer's time; the task then ends as expired"
        />
        <ChoiceField
          {...props}
          field="policy.when_exhausted"
          label="When nothing is left to hand out"
          options={[
            ["repeat", "Check results again"],
            ["wait", "Wait for the manager"],
          ]}
        />
        <TextField
          {...props}
          numeric
          field="policy.max_redundancy"
          label="Max redundancy"
          hint="results of one payload, when results are checked again"
        />
        <TextField
          {...props}
          field="aggregates.fields"
          label="Aggregates"
          hint="paths of numbers in results that are counted as they come, with commas; . = the result itself"
        />
      </div>
      <CodeField
        {...props}
        rows={2}
        field="policy.stop_when"
        label="Stop when (JSON)"
        hint={
          <>
            The task is done when results are so: <code>{'{"result": [{"path": "score", "at_least": 0.99}]}'}</code>
          </>
        }
      />
    </details>
  );
}

export function MoreField(props: FormProps) {
  return (
    <CodeField
      {...props}
      field="more"
      label="More (JSON)"
      rows={3}
      hint={
        <>
          What has no field above, such as <code>{'{"tags": ["math"], "public": true}'}</code>
        </>
      }
    />
  );
}
