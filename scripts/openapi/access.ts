/** Who may do what, and where it is written: openapi/access.md. */
import { basename } from "node:path";
import type { RegisteredRoute } from "../../src/plugins/contract.ts";
import { filesOf, readSources } from "./files.ts";

/** Who may do what, as a page: one line a route, from the same `access` that guards it. */
export function accessPage(routes: readonly RegisteredRoute[]): string {
  const sources = readSources();
  const lines = routes
    .filter(({ schema, method }) => schema?.operationId && method !== "HEAD")
    .map(({ method, url, config, schema }) => {
      const { access = {} } = config;
      const who = access.public ? "anyone" : (access.roles?.join(", ") ?? "any role");
      const notes = [
        access.admin && "admin",
        access.verified && "verified organization",
        access.whileSuspended && "also while suspended",
      ];
      const machines = access.scope ? `\`${access.scope}\`` : access.public ? "yes" : "no";
      const path = url.replaceAll(/:(\w+)/g, "{$1}");
      const operationId = schema?.operationId ?? "";
      const files = filesOf(sources, operationId).map((file) => `[${basename(file)}](../${file})`);
      return `| \`${method} ${path}\` | ${operationId} | ${who} | ${notes.filter(Boolean).join(", ")} | ${machines} | ${files.join(", ")} |`;
    });
  return [
    "# Who may do what",
    "",
    "Generated from the routes by `npm run openapi`. Roles are the kinds of organizations. What a caller sees and changes",
    "is its own organization's, besides what is public; the operator sees all. A suspended or closed organization only reads.",
    "The files are where the name stands: its step or its route first, then what is behind it.",
    "",
    "| operation | name | roles | and | machine clients | files |",
    "|---|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}
