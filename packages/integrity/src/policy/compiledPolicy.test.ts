import fc from "fast-check";
import { expect, it } from "vitest";
import {
  IMA_DO_MASK,
  IMA_FUNC_BPRM_CHECK,
  IMA_FUNC_CRITICAL_DATA,
  IMA_FUNC_FILE_CHECK,
  IMA_FUNC_KEY_CHECK,
  IMA_FUNC_MMAP_CHECK,
  IMA_FUNC_POST_SETATTR,
} from "../abi/imaPolicy.js";
import { appraiseTcbRules, criticalDataRules, legacyTcbRules, secureBootRules, tcbRules } from "./builtin.js";
import { CompiledPolicy } from "./compiledPolicy.js";
import { matchPolicy, policyEvent, policyMatch } from "./matchPolicy.js";
import { type PolicyEnv, parseRule } from "./parseRule.js";
import { type ImaRule, policyDialect618 } from "./rule.js";

const env: PolicyEnv = {
  dialect: policyDialect618,
  lookupTemplate: (name) => name,
  hasHash: () => true,
  lsmRule: () => false,
  lsmStrict: true,
};

function rule(text: string): ImaRule {
  const r = parseRule(text, env);
  if (r.rule === null || r.errno !== 0) throw new Error(text);
  return r.rule;
}

const texts = [
  ...tcbRules,
  ...legacyTcbRules,
  ...appraiseTcbRules(true, false),
  ...secureBootRules,
  ...criticalDataRules,
  "dont_appraise fsmagic=0xef53",
  "dont_hash fsmagic=0xef53",
  "hash func=FILE_CHECK",
  "audit fsmagic=0xef53",
  "measure fsmagic=0xef53 pcr=11",
  "measure func=KEY_CHECK keyrings=.ima",
  "appraise func=FILE_CHECK appraise_algos=sha256 egid=5",
];

it("says of every event what the walk over all rules says", () => {
  const all = texts.map(rule);
  const event = fc.record({
    func: fc.constantFrom(
      IMA_FUNC_FILE_CHECK,
      IMA_FUNC_BPRM_CHECK,
      IMA_FUNC_MMAP_CHECK,
      IMA_FUNC_POST_SETATTR,
      IMA_FUNC_KEY_CHECK,
      IMA_FUNC_CRITICAL_DATA,
    ),
    mask: fc.nat(15),
    uid: fc.constantFrom(0, 1000),
    euid: fc.constantFrom(0, 1000),
    egid: fc.constantFrom(0, 5),
    fowner: fc.constantFrom(0, 1000),
    fsmagic: fc.constantFrom(0xef53, 0x9fa0, 0x01021994, 0x858458f6),
    data: fc.constantFrom(null, ".ima", "kernel_info"),
  });
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...all), { maxLength: 40 }),
      fc.array(event, { maxLength: 20 }),
      (rules, es) => {
        const compiled = new CompiledPolicy(rules);
        const out = policyMatch();
        for (const e of es) {
          const ev = policyEvent(e);
          expect({ ...compiled.match(ev, IMA_DO_MASK, out) }).toEqual(matchPolicy(rules, ev, IMA_DO_MASK));
        }
      },
    ),
    { numRuns: 500 },
  );
});

it("knows when rules have been added", () => {
  const rules = [rule("measure func=FILE_CHECK")];
  const compiled = new CompiledPolicy(rules);
  expect(compiled.isOf(rules)).toBe(true);
  rules.push(rule("audit"));
  expect(compiled.isOf(rules)).toBe(false);
});
