import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  IMA_APPRAISE,
  IMA_AUDIT,
  IMA_DIGSIG_REQUIRED,
  IMA_DO_MASK,
  IMA_FUNC_BPRM_CHECK,
  IMA_FUNC_CRITICAL_DATA,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_KEY_CHECK,
  IMA_FUNC_MMAP_CHECK,
  IMA_HASH,
  IMA_MEASURE,
  MAY_APPEND,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
} from "../abi/imaPolicy.js";
import { appraiseTcbRules, criticalDataRules, legacyTcbRules, secureBootRules, tcbRules } from "./builtin.js";
import { matchPolicy, type PolicyEvent, policyEvent } from "./matchPolicy.js";
import { isBlankRule, type PolicyEnv, parseRule } from "./parseRule.js";
import { renderRule } from "./renderRule.js";
import { type ImaRule, policyDialect61, policyDialect618 } from "./rule.js";

const known = ["ima", "ima-ng", "ima-sig", "ima-buf"];
const env: PolicyEnv = {
  dialect: policyDialect61,
  lookupTemplate: (name) => (known.includes(name) ? name : name === "d-ng|n-ng" ? "ima-ng" : null),
  hasHash: (algo) => [1, 2, 4, 5, 6, 7].includes(algo),
  lsmRule: () => false,
  lsmStrict: true,
};

function rules(...lines: string[]): ImaRule[] {
  return lines.map((l) => {
    const r = parseRule(l, env);
    if (r.rule === null) throw new Error(`${l}: ${r.errno}`);
    return r.rule;
  });
}

interface Session {
  rule: string;
  result: number | string;
}
const recorded = JSON.parse(
  readFileSync(new URL("../../testdata/policy-rules.json", import.meta.url), "utf8"),
) as Session[];

describe("rule syntax, as 6.1 answered", () => {
  it.each(recorded)("$rule -> $result", ({ rule, result }) => {
    const line = rule.split("\n")[0];
    if (isBlankRule(line)) {
      expect(typeof result).toBe("number");
      return;
    }
    const r = parseRule(line, env);
    const expected = typeof result === "number" ? 0 : result === "ERANGE" ? -34 : -22;
    expect(r.errno).toBe(expected);
    expect(r.audit.endsWith(expected === 0 ? "res=1" : "res=0")).toBe(true);
  });

  it("the audit body repeats the words up to the first bad one", () => {
    expect(parseRule("measure func=FILE_CHECK  uid=0", env).audit).toBe("action=measure func=FILE_CHECK uid=0 res=1");
    expect(parseRule("bogus measure", env).audit).toBe("UNKNOWN=bogus res=0");
    expect(parseRule("measure uid>10 x", env).audit).toBe("action=measure uid>10 UNKNOWN=x res=0");
  });

  it("6.18 knows MMAP_CHECK_REQPROT and comments behind a rule", () => {
    const newer = { ...env, dialect: policyDialect618 };
    expect(parseRule("measure func=MMAP_CHECK_REQPROT", newer).errno).toBe(0);
    expect(parseRule("measure func=FILE_CHECK # why", newer).errno).toBe(0);
    expect(parseRule("measure func=FILE_CHECK#why", newer).errno).toBe(-22);
    expect(parseRule("dont_audit", newer).errno).toBe(-22);
  });

  it("security label conditions need a module that knows them, until a policy of the administrator's is in force", () => {
    expect(parseRule("measure obj_type=foo_t", { ...env, lsmRule: () => true }).errno).toBe(0);
    expect(parseRule("measure obj_type=foo_t", { ...env, lsmStrict: false }).errno).toBe(0);
    expect(parseRule("measure obj_type=a obj_type=b", { ...env, lsmRule: () => true }).errno).toBe(-22);
  });

  it("any text is a rule, EINVAL or ERANGE, and what is accepted parses to itself when shown", () => {
    const word = fc.constantFrom(
      ..."measure dont_measure appraise dont_appraise audit hash dont_hash func=FILE_CHECK func=KEY_CHECK func=MODULE_CHECK".split(
        " ",
      ),
      ..."mask=MAY_READ mask=^MAY_EXEC fsmagic=0 fsmagic=0xef53 fsname=ext4 uid=0 euid>5 gid<7 egid=1 fowner>0 fgroup<9".split(
        " ",
      ),
      ..."appraise_type=imasig appraise_algos=sha1,sha512 digest_type=verity appraise_type=sigv3 permit_directio pcr=11".split(
        " ",
      ),
      ..."template=ima-ng template=d-ng|n-ng keyrings=.ima|.evm label=x func=CRITICAL_DATA func=SETXATTR_CHECK".split(
        " ",
      ),
      "fsuuid=11111111-2222-3333-4444-555555555555",
      "\t",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 20, arbitrary: word }, fc.string()), { maxLength: 6 }), (words) => {
        const r = parseRule(words.join(" "), env);
        expect([0, -22, -34]).toContain(r.errno);
        if (r.rule === null) return;
        const shown = renderRule(r.rule);
        expect(parseRule(shown, env).rule).toEqual(r.rule);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("which rule applies", () => {
  const act = (list: ImaRule[], over: Partial<PolicyEvent>): number =>
    matchPolicy(list, policyEvent(over), IMA_DO_MASK).action;
  const read = { func: IMA_FUNC_FILE_CHECK, mask: MAY_READ };

  it("the first match closes its pair of actions, other pairs stay open", () => {
    const list = rules("dont_measure fowner=1000", "measure func=FILE_CHECK", "audit", "dont_measure");
    expect(act(list, { ...read, fowner: 1000 })).toBe(IMA_AUDIT);
    expect(act(list, { ...read, fowner: 0 })).toBe(IMA_MEASURE | IMA_AUDIT);
  });

  it("appraise makes hash pointless, also when hash came first", () => {
    expect(act(rules("hash", "appraise"), read)).toBe(IMA_APPRAISE);
    expect(act(rules("hash", "dont_appraise"), read)).toBe(IMA_HASH);
  });

  it("mask is exact, ^ is among others", () => {
    expect(act(rules("measure mask=MAY_READ"), { mask: MAY_READ | MAY_WRITE })).toBe(0);
    expect(act(rules("measure mask=^MAY_READ"), { mask: MAY_READ | MAY_WRITE })).toBe(IMA_MEASURE);
    expect(act(rules("measure mask=MAY_APPEND"), { mask: MAY_WRITE | MAY_APPEND })).toBe(0);
    expect(act(rules("measure mask=MAY_WRITE"), { mask: MAY_WRITE | MAY_APPEND })).toBe(0);
    expect(act(rules("measure mask=^MAY_WRITE"), { mask: MAY_WRITE | MAY_APPEND })).toBe(IMA_MEASURE);
  });

  it("euid= looks at all three ids with CAP_SETUID, at the effective one without", () => {
    const list = rules("measure euid=0");
    expect(act(list, { uid: 1000, euid: 1000, suid: 0, capSetuid: true })).toBe(IMA_MEASURE);
    expect(act(list, { uid: 1000, euid: 1000, suid: 0, capSetuid: false })).toBe(0);
    expect(act(list, { uid: 1000, euid: 0, suid: 1000, capSetuid: false })).toBe(IMA_MEASURE);
    const groups = rules("measure egid=5");
    expect(act(groups, { gid: 5, egid: 1, sgid: 1, capSetgid: true })).toBe(IMA_MEASURE);
    expect(act(groups, { gid: 5, egid: 1, sgid: 1, capSetgid: false })).toBe(0);
  });

  it("conditions of a rule must all hold", () => {
    const list = rules(
      "measure fowner=1000 fgroup<50 fsname=ext4 fsmagic=ef53 fsuuid=11111111-2222-3333-4444-555555555555",
    );
    const all = {
      fowner: 1000,
      fgroup: 10,
      fsname: "ext4",
      fsmagic: 0xef53,
      fsuuid: "11111111-2222-3333-4444-555555555555",
    };
    expect(act(list, all)).toBe(IMA_MEASURE);
    for (const [k, v] of [
      ["fowner", 1],
      ["fgroup", 50],
      ["fsname", "xfs"],
      ["fsmagic", 1],
      ["fsuuid", ""],
    ] as const) {
      expect(act(list, { ...all, [k]: v }), k).toBe(0);
    }
  });

  it("the rule hands on its register, template, algorithms and signature demand", () => {
    const [m] = [
      matchPolicy(
        rules("measure pcr=12 template=ima-ng", "appraise func=FILE_CHECK appraise_type=imasig appraise_algos=sha256"),
        policyEvent(read),
        IMA_DO_MASK,
      ),
    ];
    expect(m).toMatchObject({ pcr: 12, template: "ima-ng", allowedAlgos: 1 << 4, appraiseFunc: IMA_FUNC_FILE_CHECK });
    expect(m.action & IMA_DIGSIG_REQUIRED).not.toBe(0);
  });

  it("an appraise rule without func= judges every hook as a file", () => {
    const bprm = policyEvent({ func: IMA_FUNC_BPRM_CHECK, mask: MAY_EXEC });
    expect(matchPolicy(rules("appraise fowner=0"), bprm, IMA_DO_MASK).appraiseFunc).toBe(IMA_FUNC_FILE_CHECK);
    expect(matchPolicy(rules("appraise func=BPRM_CHECK"), bprm, IMA_DO_MASK).appraiseFunc).toBe(IMA_FUNC_BPRM_CHECK);
  });

  it("keys and critical data go by keyring and label, and by rules of their own hook only", () => {
    const list = rules(
      "measure func=KEY_CHECK keyrings=.ima|.evm",
      "measure func=CRITICAL_DATA label=selinux",
      "measure",
    );
    expect(act(list, { func: IMA_FUNC_KEY_CHECK, data: ".evm" })).toBe(IMA_MEASURE);
    expect(act(list, { func: IMA_FUNC_KEY_CHECK, data: ".platform" })).toBe(0);
    expect(act(list, { func: IMA_FUNC_CRITICAL_DATA, data: "selinux" })).toBe(IMA_MEASURE);
    expect(act(list, { func: IMA_FUNC_CRITICAL_DATA, data: null })).toBe(0);
    expect(act(rules(...criticalDataRules), { func: IMA_FUNC_CRITICAL_DATA, data: "x" })).toBe(IMA_MEASURE);
  });

  it("tcb measures what root reads and everybody's programs; the legacy one misses reading and writing", () => {
    const ext4 = { fsmagic: 0xef53 };
    const tcb = rules(...tcbRules);
    const old = rules(...legacyTcbRules);
    const user = { uid: 1000, euid: 1000, suid: 1000, capSetuid: false };
    expect(act(tcb, { ...ext4, ...read })).toBe(IMA_MEASURE);
    expect(act(tcb, { ...ext4, ...read, ...user })).toBe(0);
    expect(act(tcb, { ...ext4, mask: MAY_READ | MAY_WRITE })).toBe(IMA_MEASURE);
    expect(act(old, { ...ext4, mask: MAY_READ | MAY_WRITE })).toBe(0);
    expect(act(old, { ...ext4, ...read })).toBe(IMA_MEASURE);
    expect(act(tcb, { ...ext4, ...user, func: IMA_FUNC_MMAP_CHECK, mask: MAY_EXEC })).toBe(IMA_MEASURE);
    expect(act(tcb, { ...read, fsmagic: 0x01021994 })).toBe(0);
  });

  it("appraise_tcb judges root's files, ramfs apart; secure_boot asks for signatures", () => {
    const list = rules(...appraiseTcbRules(false, false));
    expect(act(list, { ...read, fsmagic: 0xef53 })).toBe(IMA_APPRAISE);
    expect(act(list, { ...read, fsmagic: 0xef53, fowner: 1000 })).toBe(0);
    expect(act(list, { ...read, fsmagic: 0x858458f6 })).toBe(0);
    expect(list.length).toBe(15);
    expect(rules(...secureBootRules).every((r) => (r.flags & IMA_DIGSIG_REQUIRED) !== 0)).toBe(true);
    expect(renderRule(rules(...appraiseTcbRules(true, true))[14])).toBe(
      "appraise func=POLICY_CHECK appraise_type=imasig ",
    );
  });
});
