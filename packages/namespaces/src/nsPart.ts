/** nsPart: the shape of what adds a type of namespace to the feature. */
import type { Impl, SysBase } from "@kernelkit/core";
import type { NsFrame } from "./frame.js";

export interface NsPart<Api extends object = object, Sys = SysBase> {
  readonly name: string;
  /** Register the type (`f.k.tasks.registerNsType`), give it its behaviour (`f.define`), files, calls, state. */
  install(f: NsFrame): { readonly api?: Api; readonly sys?: Impl<Sys>; boot?(): void };
}
