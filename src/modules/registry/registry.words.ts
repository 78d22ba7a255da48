import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: { name: "registry", description: "What the registry's own systems pull." },
} as const satisfies FeatureWords;
