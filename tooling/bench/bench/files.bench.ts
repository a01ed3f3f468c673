// Files as memfs and node:fs have them, beside the real kernel from C on tmpfs.
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Benchmark, peers } from "../src/index.js";

const CALLS = 64;
const DEEP = "/a/b/c/d/e";

const benchmarks: Benchmark[] = [
  {
    name: "memfs, stat of a path 6 deep",
    unit: "stat",
    per: CALLS,
    setup: async () => {
      const { fs } = await peers.memfs();
      fs.mkdirSync(DEEP, { recursive: true });
      fs.writeFileSync(`${DEEP}/f`, "hello world\n");
      return () => {
        let size = 0;
        for (let i = 0; i < CALLS; i++) size = (size + Number(fs.statSync(`${DEEP}/f`).size)) | 0;
        return size;
      };
    },
    peers: [
      {
        name: "node:fs",
        per: CALLS,
        setup: () => {
          const folder = `/dev/shm/kernelkit-bench-${process.pid}`;
          mkdirSync(folder + DEEP, { recursive: true });
          writeFileSync(`${folder}${DEEP}/f`, "hello world\n");
          process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
          return () => {
            let size = 0;
            for (let i = 0; i < CALLS; i++) size = (size + statSync(`${folder}${DEEP}/f`).size) | 0;
            return size;
          };
        },
      },
      { name: "Linux, C", native: "stat" },
    ],
  },
];

export default benchmarks;
