export * from "./accounts.ts";
export * from "./broker-certificates.ts";
export * from "./needs.ts";
export * from "./organizations.ts";
export * from "./plumbing.ts";
export * from "./results.ts";
export * from "./taxonomies.ts";
