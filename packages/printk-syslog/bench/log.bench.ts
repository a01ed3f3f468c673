/** What storing and reading a record costs: 61 bytes of ASCII, as in the log of a busy machine. */
import { createMachine } from "@kernelkit/core";
import { type Benchmark, type Peer, peers } from "../../../tooling/bench/src/index.js";
import { devkmsgInto, devkmsgLength, LOG_NEWLINE, PrintkRing, printkSyslog } from "../src/index.js";

const TEXT = "eth0: link is up, 1000 Mbps, full duplex, flow control rx/tx.";
const SIZE = 1 << 17;
const BATCH = 1000;
const FULL = 5000;

function filled(text: string): PrintkRing {
  const ring = new PrintkRing(SIZE);
  for (let i = 0; i < FULL; i++) ring.store(text, 0, 6, LOG_NEWLINE, i * 1000, 1, "");
  return ring;
}

/** A logger that throws its lines away: a sink in memory, no time in the line. */
const pinoToMemory: Peer = {
  name: "pino, memory sink",
  target: 2,
  per: BATCH,
  setup: async () => {
    const { pino } = await peers.pino();
    let bytes = 0;
    const log = pino(
      { base: null, timestamp: false },
      {
        write(line: string) {
          bytes += line.length;
        },
      },
    );
    return () => {
      for (let i = 0; i < BATCH; i++) log.info(TEXT);
      return bytes;
    };
  },
};

const winstonToMemory: Peer = {
  name: "winston, memory sink",
  target: 10,
  per: BATCH,
  setup: async () => {
    const winston = await peers.winston();
    const { Writable } = await import("node:stream");
    let bytes = 0;
    const stream = new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    });
    const log = winston.createLogger({ transports: [new winston.transports.Stream({ stream })] });
    return () => {
      for (let i = 0; i < BATCH; i++) log.info(TEXT);
      return bytes;
    };
  },
};

const benchmarks: Benchmark[] = [
  {
    name: "store",
    unit: "record",
    target: 8e6,
    per: BATCH,
    peers: [pinoToMemory, winstonToMemory],
    bytesPer: () => {
      const ring = new PrintkRing(SIZE);
      return { namespace: ring.size + ring.overheadBytes };
    },
    setup: () => {
      const ring = filled(TEXT);
      return () => {
        for (let i = 0; i < BATCH; i++) ring.store(TEXT, 0, 6, LOG_NEWLINE, i, 1, "");
        return ring.headSeq;
      };
    },
  },
  {
    name: "vprintkEmit",
    unit: "record",
    per: BATCH,
    peers: [pinoToMemory],
    setup: () => {
      const { log } = createMachine().use(printkSyslog()).boot().printk;
      const line = `${TEXT}\n`;
      return () => {
        for (let i = 0; i < BATCH; i++) log.vprintkEmit(0, 6, "", line);
        return log.init.ring.headSeq;
      };
    },
  },
  {
    name: "read and format for /dev/kmsg",
    unit: "record",
    target: 2e6,
    per: BATCH,
    setup: () => {
      const ring = filled(TEXT);
      const buffer = new Uint8Array(8192);
      return () => {
        let n = 0;
        for (let i = 0; i < BATCH; i++) {
          const seq = ring.firstSeq + i;
          if (devkmsgLength(ring, seq) <= buffer.length) n += devkmsgInto(ring, seq, false, buffer, 0);
        }
        return n;
      };
    },
  },
  {
    name: "READ_ALL of 4096 records",
    unit: "READ_ALL",
    target: 1000 / 3,
    setup: () => {
      const kernel = createMachine().use(printkSyslog()).boot();
      for (let i = 0; i < FULL; i++) kernel.printk.printk("\u00016x\n");
      const sys = kernel.sys(kernel.tasks.forkDriven());
      const buf = new Uint8Array(SIZE);
      return () => sys.syslog(3, buf, SIZE);
    },
  },
];
export default benchmarks;
