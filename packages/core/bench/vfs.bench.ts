/**
 * What files cost: walking, opening, reading, writing, making and listing, through system calls driven from outside. memfs does
 * the same on its volume; Linux is tmpfs, from C.
 *
 * Not the same work everywhere: memfs keeps no permissions, descriptors' flags or access times; ours checks and keeps all of
 * them, and adds each call to the run's digest.
 */

import { type CoreSys, createKernel, O_CREAT, O_RDONLY, O_RDWR, type Outside } from "@kernelkit/core";
import { type Benchmark, bytesPerObject, peers, randomly } from "../../../tooling/bench/src/index.js";

const N = 64;
const DEEP = "/a/b/c/d/e";
const SMALL = new TextEncoder().encode("hello world\n");
const PAGE = new Uint8Array(4096).map((_, i) => i * 7);

function boot(): Outside<CoreSys> {
  const kernel = createKernel().boot();
  const sys = kernel.sys(kernel.init);
  let path = "";
  for (const name of DEEP.slice(1).split("/")) {
    path += `/${name}`;
    sys.mkdir(path, 0o755);
  }
  sys.writeFile(`${DEEP}/f`, SMALL);
  sys.writeFile("/big", PAGE);
  return sys;
}

type MemFs = Awaited<ReturnType<typeof memfs>>;
async function memfs() {
  const { Volume, createFsFromVolume } = await peers.memfs();
  const fs = createFsFromVolume(new Volume());
  fs.mkdirSync(DEEP, { recursive: true });
  fs.writeFileSync(`${DEEP}/f`, SMALL);
  fs.writeFileSync("/big", PAGE);
  return fs;
}

/** N times per run on our side, and on memfs. */
function both(ours: (sys: Outside<CoreSys>) => () => unknown, theirs: (fs: MemFs) => () => unknown, target: number) {
  const repeat = (f: () => unknown) => () => {
    let last: unknown;
    for (let i = 0; i < N; i++) last = f();
    return last;
  };
  return {
    per: N,
    setup: () => repeat(ours(boot())),
    memfs: { name: "memfs", target, per: N, setup: async () => repeat(theirs(await memfs())) },
  };
}

const stat = both(
  (sys) => () => sys.stat(`${DEEP}/f`),
  (fs) => () => fs.statSync(`${DEEP}/f`),
  3,
);
const openReadClose = both(
  (sys) => {
    const buf = new Uint8Array(64);
    return () => {
      const fd = sys.open(`${DEEP}/f`, O_RDONLY);
      const r = sys.read(fd, 64, buf);
      sys.close(fd);
      return r;
    };
  },
  (fs) => {
    const buf = new Uint8Array(64);
    return () => {
      const fd = fs.openSync(`${DEEP}/f`, "r");
      const n = fs.readSync(fd, buf, 0, 64, 0);
      fs.closeSync(fd);
      return n;
    };
  },
  2,
);
const readFile = both(
  (sys) => () => sys.readFile(`${DEEP}/f`),
  (fs) => () => fs.readFileSync(`${DEEP}/f`),
  2,
);
const writeFile = both(
  (sys) => () => sys.writeFile(`${DEEP}/f`, SMALL),
  (fs) => () => fs.writeFileSync(`${DEEP}/f`, SMALL),
  2,
);
const read4k = both(
  (sys) => {
    const fd = sys.open("/big", O_RDWR);
    const buf = new Uint8Array(4096);
    return () => sys.pread64(fd, 4096, 0, buf);
  },
  (fs) => {
    const fd = fs.openSync("/big", "r+");
    const buf = new Uint8Array(4096);
    return () => fs.readSync(fd, buf, 0, 4096, 0);
  },
  1,
);
const write4k = both(
  (sys) => {
    const fd = sys.open("/big", O_RDWR);
    return () => sys.pwrite64(fd, PAGE, 0);
  },
  (fs) => {
    const fd = fs.openSync("/big", "r+");
    return () => fs.writeSync(fd, PAGE, 0, 4096, 0);
  },
  1,
);
const createUnlink = both(
  (sys) => () => {
    sys.close(sys.open("/scratch", O_RDWR | O_CREAT, 0o644));
    return sys.unlink("/scratch");
  },
  (fs) => () => {
    fs.closeSync(fs.openSync("/scratch", "w+"));
    return fs.unlinkSync("/scratch");
  },
  3,
);
const ENTRIES = 10_000;

const benchmarks: Benchmark[] = [
  {
    name: "stat, 6 components",
    unit: "stat",
    target: 2e6,
    ...stat,
    peers: [stat.memfs, { name: "Linux", native: "stat" }],
  },
  {
    name: "stat of a name that is not there, 6 components",
    unit: "stat",
    per: N,
    setup: () => {
      const sys = boot();
      return () => {
        let n = 0;
        for (let i = 0; i < N; i++) {
          try {
            sys.stat(`${DEEP}/zz`);
          } catch {
            n++;
          }
        }
        return n;
      };
    },
  },
  {
    name: "open + read + close",
    unit: "open",
    target: 1e6,
    ...openReadClose,
    peers: [openReadClose.memfs, { name: "Linux", native: "open-read-close" }],
  },
  { name: "readFile, 12 bytes", unit: "file", ...readFile, peers: [readFile.memfs] },
  { name: "writeFile, 12 bytes", unit: "file", ...writeFile, peers: [writeFile.memfs] },
  { name: "pread of 4 KiB", unit: "read", ...read4k, peers: [read4k.memfs, { name: "Linux", native: "pread" }] },
  { name: "pwrite of 4 KiB", unit: "write", ...write4k, peers: [write4k.memfs, { name: "Linux", native: "pwrite" }] },
  {
    name: "create + unlink",
    unit: "file",
    target: 0.66e6,
    ...createUnlink,
    peers: [createUnlink.memfs, { name: "Linux", native: "create-unlink" }],
  },
  {
    name: "listing a directory of 10 000",
    unit: "entry",
    per: ENTRIES,
    setup: () => {
      const sys = boot();
      sys.mkdir("/many", 0o755);
      for (let i = 0; i < ENTRIES; i++) sys.close(sys.open(`/many/f${i}`, O_RDWR | O_CREAT, 0o644));
      return () => sys.readdir("/many").length;
    },
    peers: [
      {
        name: "memfs",
        target: 4,
        per: ENTRIES,
        setup: async () => {
          const fs = await memfs();
          fs.mkdirSync("/many");
          for (let i = 0; i < ENTRIES; i++) fs.writeFileSync(`/many/f${i}`, "");
          return () => fs.readdirSync("/many").length;
        },
      },
    ],
  },
  {
    name: "stat in a directory of 100 000",
    unit: "stat",
    per: N,
    bytesPer: () => ({
      file: bytesPerObject(100_000, (n) => {
        const sys = boot();
        for (let i = 0; i < n; i++) sys.mknod(`/mnt/file${i}`, 0o644);
        return sys;
      }),
      name: bytesPerObject(200_000, (n) => {
        const sys = boot();
        sys.mknod("/mnt/one", 0o644);
        for (let i = 0; i < n; i++) sys.link("/mnt/one", `/mnt/name${i}`);
        return sys;
      }),
    }),
    setup: () => {
      const sys = boot();
      for (let i = 0; i < 100_000; i++) sys.mknod(`/mnt/file${i}`, 0o644);
      const random = randomly(1);
      const paths = Array.from({ length: 4096 }, () => `/mnt/file${random() % 100_000}`);
      let at = 0;
      return () => {
        let ino = 0;
        for (let i = 0; i < N; i++) ino = (ino + sys.stat(paths[at++ & 4095]).ino) | 0;
        return ino;
      };
    },
  },
];

export default benchmarks;
