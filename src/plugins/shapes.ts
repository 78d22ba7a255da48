import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import type { Executor } from "../database/connect.ts";
import type { Actor, Scope } from "../lib/access.ts";
import type { RelatedKind } from "../lib/http.ts";
import { pickFields, type Relation } from "../lib/shape.ts";

/** Reads some of a kind, each as far as this caller may read it; what it may not is left out. */
type LoadRelated = (
  db: Executor,
  actor: Actor | null,
  ids: readonly string[],
) => Promise<ReadonlyMap<string, unknown>>;

declare module "fastify" {
  interface FastifyInstance {
    /**
     * Says how things of a kind are read that others are joined with: by each feature for its own.
     * @param scope what a machine client needs for it; without, it is shown what everybody is
     */
    addRelated: (kind: RelatedKind, load: LoadRelated, scope: Scope) => void;
  }
}

/** What the query says, once it is checked. */
const shapeIn = ({ query }: FastifyRequest) =>
  query as { fields?: readonly string[]; expand?: readonly Relation[] };

/**
 * `expand` and `fields` of the routes that offer them (`expands` in their contract). What is joined is read
 * for all items of a page at once, by the rules of the feature that it belongs to, and goes through the
 * serializer with the rest. Members that are not wanted are taken out of the text that it made, before
 * its entity tag is: each selection has one of its own, of the same version.
 */
export default fp(
  async (app) => {
    const loaders = new Map<RelatedKind, LoadRelated>();
    app.decorate("addRelated", (kind, load, scope) => {
      if (loaders.has(kind)) throw new Error(`${kind} is read in two ways`);
      loaders.set(kind, (db, actor, ids) => {
        const mayRead = !actor?.scopes || actor.scopes.includes(scope);
        return load(db, mayRead ? actor : null, ids);
      });
    });

    app.addHook("onRoute", (route) => {
      const { expands } = route.config ?? {};
      if (!expands) return;
      route.preSerialization = [route.preSerialization ?? []].flat();
      route.preSerialization.push(async (request, reply, payload) => {
        const { expand } = shapeIn(request);
        if (!expand || reply.statusCode !== 200) return payload;
        const body = payload as { data?: object[] };
        const items = body.data ?? [body];
        const added = items.map((): Partial<Record<Relation, unknown>> => ({}));
        for (const relation of expand) {
          const related = expands[relation];
          const load = related && loaders.get(related.kind);
          if (!load) throw new Error(`nothing reads ${relation} of ${route.url}`);
          const ids = items.map((item) => related.of(item as never));
          const wanted = [...new Set(ids)].filter((id) => id !== null);
          const found =
            wanted.length > 0 ? await load(app.database.db, request.actor, wanted) : new Map();
          for (const [i, one] of added.entries()) {
            one[relation] = found.get(ids[i] ?? "") ?? null;
          }
        }
        const joined = items.map((item, i) => ({ ...item, expanded: added[i] }));
        return body.data ? { ...body, data: joined } : joined[0];
      });
      route.onSend = [route.onSend ?? []].flat();
      // First of all: what comes after takes the text as it leaves. What was kept is bytes, and has been through.
      route.onSend.unshift((request, reply, payload, done) => {
        const { fields } = shapeIn(request);
        const isWhole = fields === undefined || reply.statusCode !== 200;
        done(null, isWhole || typeof payload !== "string" ? payload : pickFields(payload, fields));
      });
    });
  },
  { name: "shapes", dependencies: ["conditional", "kept", "database"] },
);
