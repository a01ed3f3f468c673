/** The worker that a lab lives in. */
import { Lab } from "./lab.js";

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
addEventListener("message", (e) => void lab.receive(e.data));
