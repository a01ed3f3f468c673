/**
 * user_space: the kernel does nothing; a daemon reads the temperature and writes cur_state
 * (drivers/thermal/gov_user_space.c).
 */
import type { ThermalGovernor } from "./governor.js";

export const userSpace: ThermalGovernor = {
  name: "user_space",
  manage(): void {},
};
