/**
 * compiledPolicy: a policy arranged for the hot path: per hook only the rules that can match there, and a run of rules that differ in
 * `fsmagic=` alone (a dozen `dont_measure fsmagic=...` stand in front of the builtin policies) as one look into a set.
 *
 *     const compiled = compilePolicy(rules);
 *     compiled.match(event, IMA_DO_MASK, out);                 // what matchPolicy(rules, event, IMA_DO_MASK, out) says
 *
 * Made anew whenever rules change; nothing of it is state.
 */
import {
  IMA_DO_MASK,
  IMA_FUNC_CRITICAL_DATA,
  IMA_FUNC_KEY_CHECK,
  IMA_FUNC_POST_SETATTR,
  RULE_EGID,
  RULE_EUID,
  RULE_FSMAGIC,
  RULE_FUNC,
} from "../abi/imaPolicy.js";
import { clearMatch, closePair, mergeRule, type PolicyEvent, type PolicyMatch, ruleMatches } from "./matchPolicy.js";
import type { ImaRule } from "./rule.js";

/** A rule, or (with `magics`) all rules of a run: they have the same action and no other condition. */
interface Step {
  readonly rule: ImaRule;
  readonly magics: ReadonlySet<number> | null;
}

/** May rules with this one be asked together? Only opposites: they hand nothing on, so that it does not matter which of them matched. */
function onlyMagic(r: ImaRule): boolean {
  return r.flags === RULE_FSMAGIC && (r.action & IMA_DO_MASK) === 0 && r.template === "";
}

function stepsOf(rules: readonly ImaRule[]): Step[] {
  const steps: Step[] = [];
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    if (!onlyMagic(rule)) {
      steps.push({ rule, magics: null });
      continue;
    }
    const magics = new Set<number>();
    for (; i < rules.length && onlyMagic(rules[i]) && rules[i].action === rule.action; i++)
      magics.add(rules[i].fsmagic);
    i--;
    steps.push({ rule, magics });
  }
  return steps;
}

export class CompiledPolicy {
  /** Does any rule look at more than one of a task's ids, so that capabilities count? */
  readonly needsCaps: boolean;
  private readonly byFunc: (readonly Step[] | undefined)[] = [];
  private readonly rules: readonly ImaRule[];
  private readonly length: number;
  private readonly last: ImaRule | undefined;

  constructor(rules: readonly ImaRule[]) {
    this.rules = rules;
    this.length = rules.length;
    this.last = rules[rules.length - 1];
    this.needsCaps = rules.some((r) => (r.flags & (RULE_EUID | RULE_EGID)) !== 0);
  }

  /** Is it still that of these rules? Rules are added at the end, never changed. */
  isOf(rules: readonly ImaRule[]): boolean {
    return rules === this.rules && rules.length === this.length && rules[this.length - 1] === this.last;
  }

  private steps(func: number): readonly Step[] {
    let steps = this.byFunc[func];
    if (steps === undefined) {
      const any = func === IMA_FUNC_POST_SETATTR;
      const buffer = func === IMA_FUNC_KEY_CHECK || func === IMA_FUNC_CRITICAL_DATA;
      steps = stepsOf(this.rules.filter((r) => any || r.func === func || ((r.flags & RULE_FUNC) === 0 && !buffer)));
      this.byFunc[func] = steps;
    }
    return steps;
  }

  /** As `matchPolicy`. */
  match(event: PolicyEvent, orders: number, out: PolicyMatch): PolicyMatch {
    const steps = this.steps(event.func);
    let open = orders | (orders << 1);
    clearMatch(out);
    for (let i = 0; i < steps.length && open !== 0; i++) {
      const { rule, magics } = steps[i];
      if ((rule.action & open) === 0) continue;
      if (magics !== null ? !magics.has(event.fsmagic) : !ruleMatches(rule, event)) continue;
      mergeRule(rule, event, out);
      open = closePair(rule, open);
    }
    return out;
  }
}
