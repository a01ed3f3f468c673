/** plainNs: a namespace that is nothing but an owner and `data`, which the type's part fills. */
import type { Namespace, NsType, UserNamespace } from "@kernelkit/core";

export class PlainNamespace implements Namespace {
  refs = 1;
  readonly data: Record<string, unknown> = {};
  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
  ) {}
}
