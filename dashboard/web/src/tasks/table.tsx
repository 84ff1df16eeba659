// The rows of the list: they change in place, and keep their places.

import * as format from "../format";
import { may } from "../me";
import { isOver, type Task } from "../model";
import { Progress, StateChip } from "../parts";
import { Verbs } from "./verbs";

interface Props {
  tasks: Task[];
  gone: ReadonlySet<string>;
  chosen: ReadonlySet<number>;
  onChoose: (numbers: number[], isChosen: boolean) => void;
  onDone: () => void;
}

export function TaskTable({ tasks, gone, chosen, onChoose, onDone }: Props) {
  const here = tasks.filter(({ id }) => !gone.has(id)).map(({ number }) => number ?? 0);
  const canChoose = may("researcher");
  const isAll = here.length > 0 && here.every((number) => chosen.has(number));
  return (
    <>
      {/* A phone has no room for the head of the table. */}
      {canChoose && (
        <button type="button" class="narrow" aria-pressed={isAll} onClick={() => onChoose(here, !isAll)}>
          Choose this page
        </button>
      )}
      <table class="tasks">
        <thead>
          <tr>
            {canChoose && (
              <th scope="col" class="pick">
                <label class="pick">
                  <input
                    type="checkbox"
                    checked={isAll}
                    aria-label="Choose every task of this page"
                    onChange={(event) => onChoose(here, event.currentTarget.checked)}
                  />
                </label>
              </th>
            )}
            <th scope="col">Task</th>
            <th scope="col">State</th>
            <th scope="col">Progress</th>
            <th scope="col" class="right">
              Rate
            </th>
            <th scope="col" class="right">
              Left
            </th>
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <Row
              key={task.id}
              task={task}
              isGone={gone.has(task.id)}
              isChosen={chosen.has(task.number ?? 0)}
              onChoose={onChoose}
              onDone={onDone}
            />
          ))}
        </tbody>
      </table>
    </>
  );
}

interface RowProps extends Pick<Props, "onChoose" | "onDone"> {
  task: Task;
  isGone: boolean;
  isChosen: boolean;
}

function Row({ task, isGone, isChosen, onChoose, onDone }: RowProps) {
  return (
    <tr data-task={task.id} class={isGone ? "gone" : ""}>
      {may("researcher") && (
        <td class="pick">
          <label class="pick">
            <input
              type="checkbox"
              checked={isChosen && !isGone}
              disabled={isGone}
              aria-label={`Choose task ${task.name}`}
              onChange={(event) => onChoose([task.number ?? 0], event.currentTarget.checked)}
            />
          </label>
        </td>
      )}
      <th scope="row">
        <a href={`/tasks/${encodeURIComponent(task.id)}`}>{task.name}</a>
        {task.number !== undefined && <span class="hint mono"> #{task.number}</span>}
      </th>
      <td>{isGone ? <span class="chip">⊘ deleted</span> : <StateChip state={task.state} />}</td>
      <td class="wide">
        <Progress task={task} />
        <span class="mono">
          {format.count(task.done)} of {format.count(task.total)}
          {task.failed > 0 && <span class="state-failed"> · ✕ {format.count(task.failed)} failed</span>}
        </span>
      </td>
      <Live label="Rate" value={isOver(task.state) ? "–" : format.rate(task.rate)} />
      <Live label="Left" value={isOver(task.state) ? "–" : format.duration(task.eta_s)} />
      <td>{!isGone && <Verbs task={task} onDone={onDone} />}</td>
    </tr>
  );
}

/** A number that only open tasks have; a phone leaves it out where there is none. */
function Live({ label, value }: { label: string; value: string }) {
  return (
    <td class="mono right" data-label={label} data-empty={value === "–" ? "" : undefined}>
      {value}
    </td>
  );
}
