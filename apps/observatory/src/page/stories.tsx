/** The list of stories, by question. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { StoryInfo } from "../stories/storyLab.js";
import { stories } from "./storyClient.js";

export function useStories(): readonly StoryInfo[] | string | null {
  const [all, set] = useState<readonly StoryInfo[] | string | null>(null);
  useEffect(() => {
    stories.list().then(set, (e: Error) => set(e.message));
  }, []);
  return all;
}

export function Stories(): JSX.Element {
  const all = useStories();
  const [from, setFrom] = useState("");
  const [text, setText] = useState("");
  if (all === null) return <p class="panel">Loading the stories …</p>;
  if (typeof all === "string") return <p class="note bad">{all}</p>;
  const packages = [...new Set(all.map((s) => s.package))];
  const w = text.toLowerCase();
  const fit = all.filter(
    (s) =>
      (from === "" || s.package === from) && `${s.id} ${s.question} ${s.claim} ${s.source}`.toLowerCase().includes(w),
  );
  return (
    <>
      <h1>Stories: questions, answered by rivals on the same load</h1>
      <div class="row panel">
        <label for="package">package</label>
        <select id="package" value={from} onChange={(e) => setFrom(e.currentTarget.value)}>
          <option value="">all</option>
          {packages.map((p) => (
            <option key={p} value={p}>
              {p}
            </option>
          ))}
        </select>
        <label for="words">words</label>
        <input id="words" type="search" value={text} onInput={(e) => setText(e.currentTarget.value)} />
        <span class="muted" role="status">
          {fit.length} of {all.length}
        </span>
      </div>
      <ul class="cards">
        {fit.map((s) => (
          <li key={s.id} class="panel">
            <a href={`#/story/${s.id}`}>{s.question}</a>
            <p class="muted">
              {s.package}; {s.source}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}
