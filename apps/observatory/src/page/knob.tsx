/** A knob: a slider and a number field that say the same, or a choice. What is out of range is said, not sent. */
import type { Knob } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { useDraft } from "./draft.js";

export interface KnobProps {
  readonly name: string;
  readonly knob: Knob;
  readonly value: number | string;
  readonly onChange: (v: number | string) => void;
}

export function KnobInput({ name, knob, value, onChange }: KnobProps): JSX.Element {
  const id = useId();
  const [problem, setProblem] = useState("");
  const draft = useDraft(String(value));
  if (knob.kind === "choice")
    return (
      <div class="control">
        <label for={id}>{name}</label>
        <select id={id} value={String(value)} onChange={(e) => onChange(e.currentTarget.value)}>
          {knob.choices.map((c) => (
            <option key={c} value={c}>
              {c}
            </option>
          ))}
        </select>
      </div>
    );
  const { min, max, unit } = knob;
  const whole = Number.isInteger(knob.default) && Number.isInteger(min) && Number.isInteger(max);
  const step = whole ? Math.max(1, 10 ** Math.floor(Math.log10((max - min) / 100))) : (max - min) / 100;
  // sliders over several decades are logarithmic
  const wide = min > 0 && max / min > 1000;
  const toSlider = (v: number): number => (wide ? Math.log(v / min) / Math.log(max / min) : v);
  const fromSlider = (s: number): number => {
    if (!wide) return s;
    const v = min * (max / min) ** s;
    return whole ? Math.min(max, Math.max(min, Math.round(v))) : v;
  };
  const typed = (text: string): void => {
    const v = Number(text);
    if (text.trim() === "" || !(v >= min && v <= max) || (whole && !Number.isInteger(v))) {
      setProblem(`${name}: ${whole ? "a whole number" : "a number"} from ${min} to ${max} ${unit} is needed.`);
      return;
    }
    setProblem("");
    draft.taken();
    onChange(v);
  };
  return (
    <div class="control">
      <label for={id}>
        {name} <span class="muted">{unit === "" ? "" : `(${unit})`}</span>
      </label>
      <div class="row">
        <input
          type="range"
          min={wide ? 0 : min}
          max={wide ? 1 : max}
          step={wide ? 0.01 : step}
          value={toSlider(Number(value))}
          aria-label={name}
          aria-valuetext={`${value} ${unit}`}
          onInput={(e) => {
            setProblem("");
            onChange(fromSlider(Number(e.currentTarget.value)));
          }}
        />
        <input
          id={id}
          type="number"
          min={min}
          max={max}
          step="any"
          value={draft.value}
          onInput={draft.onInput}
          aria-describedby={`${id}-p`}
          onChange={(e) => typed(e.currentTarget.value)}
        />
      </div>
      <small id={`${id}-p`} role="alert" style="color:var(--bad)">
        {problem}
      </small>
    </div>
  );
}
