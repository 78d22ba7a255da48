import type { resultStatuses } from "../../../db/schema/results.ts";
import { defineLifecycle, type Transition } from "../../lib/lifecycle.ts";
import { listingTransitions } from "../listings/listings.lifecycle.ts";

type Status = (typeof resultStatuses)[number];

// `transferred` is reached by contracts only, which come with their own feature.
export const resultLifecycle = defineLifecycle<Status, string>(
  "result",
  listingTransitions satisfies readonly Transition<Status, string>[],
);
