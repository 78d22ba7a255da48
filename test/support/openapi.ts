/**
 * Checks a reply against the committed OpenAPI document. It is what the app itself serves
 * (`contract/openapi.test.ts` compares them); making it again would be a third of a test file's boot.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { LightMyRequestResponse } from "fastify";
import { projectRoot } from "../../src/lib/root.ts";

type Document = {
  paths: Record<string, Record<string, { responses: Record<string, DocumentedResponse> }>>;
  components: { schemas: Record<string, object> };
};
interface Resource {
  properties: Record<string, { items?: object }>;
  required: string[];
}
interface DocumentedResponse {
  content?: Record<string, { schema: object }>;
}

/** Makes a function that throws when a reply is not what the document says of its operation. */
export function replyChecker() {
  const file = join(projectRoot, "openapi/openapi.json");
  const document = JSON.parse(readFileSync(file, "utf8")) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi", components: document.components });
  const compiled = new Map<object, ValidateFunction>();
  const compile = (schema: object) => {
    const known = compiled.get(schema);
    if (known) return known;
    const anchored = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/'),
    ) as object;
    const validate = ajv.compile(anchored);
    compiled.set(schema, validate);
    return validate;
  };

  /** Resources of which the address asks for some members: just those, and each as the document says. */
  const ofFields = (schema: object, fields: string): object => {
    const { $ref } = schema as { $ref?: string };
    if ($ref) return ofFields(document.components.schemas[$ref.split("/").at(-1) ?? ""]!, fields);
    const whole = schema as Resource;
    if (whole.properties.data?.items) {
      const items = ofFields(whole.properties.data.items, fields);
      return { ...whole, properties: { ...whole.properties, data: { type: "array", items } } };
    }
    const required = [...new Set(["id", ...fields.split(",")])].filter((name) =>
      whole.required.includes(name),
    );
    const properties = Object.fromEntries(
      Object.entries(whole.properties).filter(([name]) =>
        ["id", "expanded", ...fields.split(",")].includes(name),
      ),
    );
    return { ...whole, properties, required, additionalProperties: false };
  };

  return (
    method: string,
    route: string | undefined,
    url: string,
    response: LightMyRequestResponse,
  ): void => {
    // An unknown address is in no document; docs pages are not operations.
    if (!route || route.startsWith("/docs")) return;
    const path = route.replaceAll(/:(\w+)/g, "{$1}");
    const operation = document.paths[path]?.[method === "HEAD" ? "get" : method.toLowerCase()];
    const where = `${method} ${path} -> ${response.statusCode}`;
    if (!operation) throw new Error(`${where}: not in openapi/openapi.json: npm run openapi`);
    const declared = operation.responses[String(response.statusCode)];
    if (!declared) throw new Error(`${where}: undeclared status ${response.payload}`);
    if (method === "HEAD" || response.payload === "") return;
    const type = String(response.headers["content-type"]).split(";")[0] ?? "";
    const schema = declared.content?.[type]?.schema;
    if (!schema) throw new Error(`${where}: undeclared content type ${type}`);
    if (!type.endsWith("json") || type.endsWith("ndjson")) return;
    const fields = new URL(url, "http://market.test").searchParams.get("fields");
    const isPart = fields !== null && response.statusCode === 200;
    const validate = compile(isPart ? ofFields(schema, fields) : schema);
    if (!validate(response.json())) {
      throw new Error(`${where}: ${ajv.errorsText(validate.errors)}\n${response.payload}`);
    }
  };
}
