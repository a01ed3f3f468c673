/** options: what `namespaces()` can be given. Every default is what Linux 6.18 does. */
import { type FeatureName, featuresOf, type Profile, profiles, typeFeatures } from "./profiles.js";

export interface NamespacesOptions {
  /** Which kernel's rules. Default "6.18". */
  profile?: Profile;
  /** Types built in or left out (`{ USER_NS: false }`). Default: all that the profile has. */
  features?: Partial<Record<FeatureName, boolean>>;
  /** File systems the kernel is built with besides the pseudo ones: on 3.8 some of them exclude user namespaces. Default none. */
  filesystems?: readonly string[];
}

export interface ResolvedOptions {
  readonly profile: Profile;
  readonly features: Readonly<Record<FeatureName, boolean>>;
}

/** File systems whose ids could not be mapped in 3.8; a kernel with one of them has no user namespaces. */
const NOT_MAPPABLE_3_8: readonly string[] = ["ceph", "cifs", "gfs2", "nfs", "ocfs2", "xfs"];

/** TypeError or RangeError naming the option. */
export function resolveOptions(o: NamespacesOptions): ResolvedOptions {
  const profile = o.profile ?? "6.18";
  if (!(profiles as readonly string[]).includes(profile))
    throw new RangeError(`namespaces: profile '${String(profile)}' is not one of ${profiles.join(", ")}`);
  const features = featuresOf(profile);
  for (const [name, on] of Object.entries(o.features ?? {})) {
    if (!(name in features)) throw new RangeError(`namespaces: features.${name} is not a feature`);
    if (typeof on !== "boolean") throw new TypeError(`namespaces: features.${name} must be a boolean`);
    if (typeFeatures.includes(name as FeatureName)) features[name as FeatureName] = on && features[name as FeatureName];
    else features[name as FeatureName] = on;
  }
  if (profile === "3.8" && (o.filesystems ?? []).some((f) => NOT_MAPPABLE_3_8.includes(f))) features.USER_NS = false;
  return { profile, features };
}
