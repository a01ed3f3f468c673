/** Screens and pictures that are loaded when first wanted. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A component from a module that is loaded when it is first drawn. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let known: ComponentType<P> | null = null;
  return function Lazy(props: P): JSX.Element {
    const [found, set] = useState<ComponentType<P> | string | null>(() => known);
    useEffect(() => {
      if (known !== null) return;
      load().then(
        (c) => {
          known = c;
          set(() => c);
        },
        (e: Error) => set(`could not be loaded: ${e.message}`),
      );
    }, []);
    if (found === null) return <p class="panel">Loading …</p>;
    if (typeof found === "string") return <p class="note bad">This part of the page {found}</p>;
    const Found = found;
    return <Found {...props} />;
  };
}
