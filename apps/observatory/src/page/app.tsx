/** The frame of the page: header, screens by address, theme, the list of keys. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { VIEWS } from "../lab/views.js";
import { lazy } from "./lazy.js";
import { type Link, parseLink } from "./link.js";
import { Look } from "./look.js";
import { Guard } from "./paced.js";
import { Start } from "./start.js";
import { KEY_HELP } from "./transport.js";

const All = lazy(async () => (await import("./all.js")).All);
const Build = lazy(async () => (await import("./build.js")).Build);
const Stories = lazy(async () => (await import("./stories.js")).Stories);
const StoryPage = lazy(async () => (await import("./storyPage.js")).StoryPage);
const Truth = lazy(async () => (await import("./truth.js")).Truth);

const SCREENS: readonly (readonly [string, string])[] = [
  ["stories", "Stories"],
  ["see/wb", "Look inside"],
  ["build", "Build a machine"],
  ["truth", "How true"],
];

function useLink(): Link {
  const [link, set] = useState(() => parseLink(location.hash));
  useEffect(() => {
    const on = (): void => set(parseLink(location.hash));
    addEventListener("hashchange", on);
    return () => removeEventListener("hashchange", on);
  }, []);
  return link;
}

/** Remembered where the browser allows it. */
const remembered = (): string | null => {
  try {
    return localStorage.getItem("kernelkit-theme");
  } catch {
    return null;
  }
};

function useTheme(): readonly [string, () => void] {
  const [theme, set] = useState(
    () => remembered() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
  );
  document.documentElement.dataset["theme"] = theme;
  return [
    theme,
    () => {
      const next = theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("kernelkit-theme", next);
      } catch {}
      set(next);
    },
  ];
}

export function App(): JSX.Element {
  const link = useLink();
  const [theme, flip] = useTheme();
  const [problems, setProblems] = useState<readonly string[]>([]);
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => setProblems(link.problems), [link]);
  useEffect(() => {
    const on = (e: KeyboardEvent): void => {
      if (e.key === "?" && !(e.target as HTMLElement).closest("input, select, textarea, .term"))
        help.current?.showModal();
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, []);
  const [screen = "", arg = ""] = link.path;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        To the content
      </button>
      <header class="bar">
        <a class="brand" href="#/">
          kernelkit
        </a>
        <nav aria-label="Screens">
          {SCREENS.map(([path, name]) => (
            <a
              key={path}
              href={`#/${path}`}
              aria-current={
                screen === path.split("/")[0] || (screen === "story" && path === "stories") ? "page" : undefined
              }
            >
              {name}
            </a>
          ))}
        </nav>
        <button type="button" onClick={() => help.current?.showModal()}>
          Keys
        </button>
        <button type="button" onClick={flip}>
          {theme === "dark" ? "Light" : "Dark"}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {problems.length > 0 && (
          <div class="note" role="alert">
            <p>Parts of the address could not be used:</p>
            <ul>
              {problems.map((p) => (
                <li key={p}>{p}</li>
              ))}
            </ul>
            <button type="button" onClick={() => setProblems([])}>
              Dismiss
            </button>
          </div>
        )}
        <Guard key={`${screen}/${arg}`} name="This screen">
          <Screen screen={screen} arg={arg} link={link} theme={theme} />
        </Guard>
      </main>
      <dialog ref={help} aria-label="Keys">
        <h2>Keys</h2>
        <table>
          <tbody>
            {KEY_HELP.map(([k, what]) => (
              <tr key={k}>
                <th scope="row">
                  <kbd>{k}</kbd>
                </th>
                <td>{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <form method="dialog">
          <button type="submit">Close</button>
        </form>
      </dialog>
    </>
  );
}

interface ScreenProps {
  readonly screen: string;
  readonly arg: string;
  readonly link: Link;
  readonly theme: string;
}

function Screen({ screen, arg, link, theme }: ScreenProps): JSX.Element {
  switch (screen) {
    case "see": {
      const view = arg === "all" ? "all" : (VIEWS.find((v) => v.id === arg)?.id ?? "wb");
      return (
        <>
          <nav class="rail" aria-label="Views">
            {VIEWS.map((v) => (
              <a key={v.id} href={`#/see/${v.id}`} aria-current={v.id === view ? "page" : undefined}>
                {v.name}
              </a>
            ))}
            <a href="#/see/all" aria-current={view === "all" ? "page" : undefined}>
              All
            </a>
          </nav>
          {view === "all" ? <All link={link} /> : <Look view={view} link={link} theme={theme} />}
        </>
      );
    }
    case "stories":
      return <Stories />;
    case "story":
      return <StoryPage id={arg} link={link} theme={theme} />;
    case "build":
      return <Build />;
    case "truth":
      return <Truth />;
    default:
      return <Start theme={theme} />;
  }
}
