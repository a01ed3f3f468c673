/** A redis-server of the test's own: on a free port of the loopback, in a folder of its own, to be killed and started again. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { Redis } from "ioredis";

/** Where it is; null with a loud word when there is none. */
export function redisBinary(): string | null {
  const found = spawnSync("redis-server", ["--version"]);
  if (found.status === 0) return "redis-server";
  process.stderr.write("redis-server is not installed: sweeps over Redis are NOT tested here\n");
  return null;
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

export class RedisServer {
  private child: ChildProcess | null = null;

  private constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async start(folder: string): Promise<RedisServer> {
    const server = new RedisServer(folder, await freePort());
    await server.restart();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it on the data it had. */
  async restart(): Promise<void> {
    const options = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.folder, "--save", ""];
    this.child = spawn("redis-server", [...options, "--appendonly", "yes", "--appendfsync", "everysec"], {
      stdio: "ignore",
    });
    const client = new Redis(this.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
    client.on("error", () => {});
    await client.ping();
    client.disconnect();
  }

  /** kill -9 */
  kill(): void {
    this.child?.kill("SIGKILL");
    this.child = null;
  }

  /** Asks it something. */
  async ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url);
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }
}
