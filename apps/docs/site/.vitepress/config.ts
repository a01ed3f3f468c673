import { defineConfig } from "vitepress";

const guide = (name: string, text: string) => ({ text, link: `/guide/${name}` });
const reference = (name: string, text: string) => ({ text, link: `/generated/${name}` });

export default defineConfig({
  title: "kernelkit",
  description: "The Linux kernel's mechanisms as npm packages, deterministic, in Node and in a browser",
  lastUpdated: false,
  // the score stands inside another page
  srcExclude: ["generated/score.md"],
  // what is wrong with a link is found by the build
  ignoreDeadLinks: false,
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      {
        text: "Guides",
        items: [
          guide("ten-minutes", "Ten minutes: six layouts"),
          guide("core", "core"),
          guide("namespaces", "namespaces"),
          guide("printk-syslog", "printk-syslog"),
          guide("memcg", "memcg"),
          guide("writeback", "writeback"),
          guide("genirq", "genirq"),
          guide("powerclamp", "powerclamp"),
          guide("numa", "numa"),
          guide("integrity", "integrity"),
          guide("compose", "Compose your own kernel"),
          guide("rivals", "Rival designs"),
        ],
      },
      {
        text: "Trust",
        items: [
          { text: "Fidelity", link: "/fidelity" },
          { text: "Threat model", link: "/threat-model" },
        ],
      },
      {
        text: "Reference",
        items: [
          reference("files", "Files"),
          reference("syscalls", "System calls"),
          reference("options", "Options"),
          reference("tracepoints", "Tracepoints"),
          reference("api/index", "API"),
        ],
      },
    ],
  },
});
