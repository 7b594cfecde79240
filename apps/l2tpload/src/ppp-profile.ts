/** Settings of PPP for each user of the load: one object for all, but for name and password. */
import { Password, type PppSettings, pppSettings } from "@l2tp/ppp";
import { fill, type Numbers } from "./pattern.ts";
import type { PppPlan } from "./plan.ts";

/** See the file's head. */
export class PppProfile {
  readonly plan: PppPlan;
  readonly #settings: PppSettings;
  #text = "";
  #password: Password;

  /** @throws PppSettingError for settings that cannot be. */
  constructor(plan: PppPlan, phaseLimitMs: number) {
    this.plan = plan;
    this.#settings = pppSettings({
      authenticateSelf: { name: plan.user, password: plan.password, methods: plan.methods },
      ipv4: {},
      ipv6: plan.ipv6 ? {} : false,
      mru: plan.mru,
      echoIntervalMs: plan.echoMs,
      restartMs: plan.restartMs,
      phaseLimitMs,
    });
    this.#text = plan.password;
    this.#password = Password.from(plan.password);
  }

  settings(numbers: Numbers): PppSettings {
    const { methods, user, password } = this.plan;
    const text = fill(password, numbers);
    if (text !== this.#text) {
      this.#text = text;
      this.#password = Password.from(text);
    }
    return {
      ...this.#settings,
      authenticateSelf: { methods, name: fill(user, numbers), password: this.#password },
    };
  }
}
