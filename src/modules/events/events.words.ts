import type { FeatureWords } from "../../lib/words.ts";

export const words = {
  tag: {
    name: "events",
    description: "What happened, in the order in which it was committed, for whoever may see it.",
  },
  scopes: ["events:read"],
  errors: {
    "event.no_longer_kept": {
      status: 410,
      en: "Events that follow on this position are no longer kept",
      zh: "该位置之后的部分事件已不再保留",
    },
    "event.too_many_streams": {
      status: 429,
      en: "You have as many open streams of events as you can have",
      zh: "已打开的事件流数量达到上限",
    },
  },
} as const satisfies FeatureWords;
