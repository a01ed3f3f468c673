/** A field that is being typed into keeps what is typed, however often the page is drawn meanwhile. */
import { useState } from "preact/hooks";

/** What a field shows, what it does while one types, and what to call when the text has been taken. */
export function useDraft(value: string): {
  readonly value: string;
  readonly onInput: (e: { currentTarget: HTMLInputElement }) => void;
  readonly taken: () => void;
} {
  const [draft, set] = useState<string | null>(null);
  return { value: draft ?? value, onInput: (e) => set(e.currentTarget.value), taken: () => set(null) };
}
