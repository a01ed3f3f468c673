/** The lab in the page's worker. */
import { Lab } from "./lab.js";

export function start(): (message: unknown) => void {
  const mailbox = new MessageChannel();
  const waiting: (() => void)[] = [];
  mailbox.port1.onmessage = () => waiting.shift()?.();
  const lab = new Lab({
    answer: (a, transfer) => postMessage(a, { transfer }),
    later(fn) {
      waiting.push(fn);
      mailbox.port2.postMessage(null);
    },
  });
  return (message) => void lab.receive(message);
}
