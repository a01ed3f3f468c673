/**
 * Parts of the page that are drawn when there is time: while the kernel runs, a part that is out of sight is left as it is, and so is one
 * whose turn comes when the frame's time is used up (it is first in a later one). When the kernel stands still all are exact.
 */
import { Component, type ComponentChildren, createRef, type JSX } from "preact";

/** Work of one frame on the main thread, ms. */
const BUDGET_MS = 6;
/** So often at most may a part be left out. */
const PATIENCE = 12;

let started = 0;
/** A frame of the kernel has come and is about to be drawn. */
export function beginFrame(): void {
  started = performance.now();
}

interface Props {
  /** The kernel runs. */
  readonly live: boolean;
  /** Not more often than this, ms. */
  readonly every?: number;
  readonly children: ComponentChildren;
}

export class Paced extends Component<Props> {
  private readonly box = createRef<HTMLDivElement>();
  private seen = true;
  private skipped = 0;
  private drawn = 0;
  private watch: IntersectionObserver | null = null;

  override componentDidMount(): void {
    const el = this.box.current;
    if (el === null) return;
    this.watch = new IntersectionObserver(
      (all) => {
        this.seen = all.some((e) => e.isIntersecting);
        if (this.seen) this.forceUpdate();
      },
      { rootMargin: "120px" },
    );
    this.watch.observe(el);
  }
  override componentWillUnmount(): void {
    this.watch?.disconnect();
  }
  override shouldComponentUpdate(next: Props): boolean {
    if (!next.live || next.live !== this.props.live) return true;
    if (!this.seen) return false;
    const now = performance.now();
    if (now - this.drawn < (next.every ?? 0)) return false;
    if (now - started > BUDGET_MS && this.skipped < PATIENCE) {
      this.skipped++;
      return false;
    }
    this.skipped = 0;
    this.drawn = now;
    return true;
  }
  override render(): JSX.Element {
    return <div ref={this.box}>{this.props.children}</div>;
  }
}

interface GuardProps {
  readonly name: string;
  readonly children: ComponentChildren;
}

/** A part that fails leaves the others as they are: what happened, and another try. */
export class Guard extends Component<GuardProps, { readonly problem: string }> {
  override state: { readonly problem: string } = { problem: "" };
  override componentDidCatch(e: unknown): void {
    this.setState({ problem: e instanceof Error ? e.message : String(e) });
  }
  override render(): ComponentChildren {
    const { problem } = this.state;
    if (problem === "") return this.props.children;
    return (
      <div class="note bad" role="alert">
        <p>
          <b>{this.props.name} could not be drawn:</b> {problem}. The kernel goes on, and so does the rest of the page.
        </p>
        <button type="button" onClick={() => this.setState({ problem: "" })}>
          Try again
        </button>
      </div>
    );
  }
}
