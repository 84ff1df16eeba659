// A dialog that asks yes or no: opened as soon as it is there, answered once.

import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Returns what a `<dialog>` with a form in it needs. The button with the value `yes` is yes; Escape and all else is no.
 *
 * The answer is told in the very event that gives it, not when the browser gets to tell that the dialog is closed: the focus is back
 * where it was by then, and a key pressed right away must not meet a page that still believes to be asking.
 */
export function useQuestion(onAnswer: (isYes: boolean) => void) {
  const ref = useRef<HTMLDialogElement>(null);
  const isAnswered = useRef(false);
  // Before the next paint, so that a key pressed right after the click already meets the question.
  useLayoutEffect(() => ref.current?.showModal(), []);

  function answer(isYes: boolean): void {
    if (isAnswered.current) return;
    isAnswered.current = true;
    ref.current?.close();
    onAnswer(isYes);
  }
  return {
    ref,
    onCancel: (event: Event) => {
      event.preventDefault();
      answer(false);
    },
    // Browsers close some dialogs without asking first.
    onClose: () => answer(false),
    onSubmit: (event: SubmitEvent) => {
      event.preventDefault();
      answer((event.submitter as HTMLButtonElement | null)?.value === "yes");
    },
  };
}
