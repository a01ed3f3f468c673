// Priority queues of the registry in the hold model: take the earliest event, put one later, with P pending.
import { type Benchmark, peers, type Run, randomly } from "../src/index.js";

const OPERATIONS = 2000;
const GAPS = 4096;

/** Delays to draw from: many more than a run uses would leave the numbers themselves in the measurement. */
function delays(): () => number {
  const random = randomly(3);
  const gaps = Float64Array.from({ length: GAPS }, () => 1 + (random() % 200_000));
  let next = 0;
  return () => gaps[next++ & (GAPS - 1)];
}

interface Event {
  time: number;
  readonly id: number;
}

/** A queue of objects through `push` and `pop`. */
function objects(pending: number, queue: { push(event: Event): void; pop(): Event | undefined }): Run {
  const delay = delays();
  for (let id = 0; id < pending; id++) queue.push({ time: delay(), id });
  return () => {
    for (let i = 0; i < OPERATIONS; i++) {
      const event = queue.pop() as Event;
      event.time += delay();
      queue.push(event);
    }
  };
}

const earlier = (a: Event, b: Event): number => a.time - b.time;

const benchmarks: Benchmark[] = [64, 10_000, 1_000_000].map((pending) => ({
  name: `flatqueue, pop + push, ${pending} pending`,
  unit: "event",
  per: OPERATIONS,
  setup: async () => {
    const { default: FlatQueue } = await peers.flatqueue();
    const queue = new FlatQueue<number>();
    const delay = delays();
    for (let id = 0; id < pending; id++) queue.push(id, delay());
    return () => {
      for (let i = 0; i < OPERATIONS; i++) {
        const time = queue.peekValue() as number;
        queue.push(queue.pop() as number, time + delay());
      }
    };
  },
  peers: [
    {
      name: "tinyqueue",
      per: OPERATIONS,
      setup: async () => {
        const { default: TinyQueue } = await peers.tinyqueue();
        return objects(pending, new TinyQueue<Event>([], earlier));
      },
    },
    {
      name: "heap-js",
      per: OPERATIONS,
      setup: async () => {
        const { Heap } = await peers.heapJs();
        return objects(pending, new Heap<Event>(earlier));
      },
    },
    {
      name: "@datastructures-js/priority-queue",
      per: OPERATIONS,
      setup: async () => {
        const { PriorityQueue } = await peers.datastructuresPriorityQueue();
        return objects(pending, new PriorityQueue<Event>(earlier));
      },
    },
  ],
}));

export default benchmarks;
