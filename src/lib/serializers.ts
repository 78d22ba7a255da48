/** How replies are written as JSON: a compiled serializer for each schema, which sends only what the schema holds. */
import build from "fast-json-stringify";
import { z } from "zod";
import { replySchema } from "./json-schema.ts";

type Serialize = (data: unknown) => string;

export interface Serializers {
  /**
   * A serializer that is compiled on first use, or by `compileAll`.
   * @param where the reply that is written ("GET /v1/needs 200"), for errors
   */
  of: (schema: z.ZodType, where: string) => Serialize;
  /** Compiles all that were asked for, which takes a few hundred milliseconds. */
  compileAll: () => void;
}

/**
 * Makes the serializers of one app.
 * @param options.checkReplies whether a reply is compared with its schema and an error thrown where it differs
 */
export function makeSerializers({ checkReplies }: { checkReplies: boolean }): Serializers {
  const compiled = new WeakMap<z.ZodType, Serialize>();
  const toCompile: (() => unknown)[] = [];

  function serializerOf(schema: z.ZodType, where: string): Serialize {
    const known = compiled.get(schema);
    if (known) return known;
    const serialize =
      schema instanceof z.ZodUnion ? eitherOf(schema, where) : compile(schema, where);
    compiled.set(schema, serialize);
    return serialize;
  }

  /** One of several replies (a resource, or what a dry run found): the first that it is. */
  function eitherOf(schema: z.ZodUnion, where: string): Serialize {
    const options = (schema.options as readonly z.ZodType[]).map((option) => ({
      option,
      serialize: serializerOf(option, where),
    }));
    return (data) => {
      const fitting = options.find(({ option }) => option.safeParse(data).success);
      if (!fitting) throw new Error(`${where}: the reply breaks its contract`);
      return fitting.serialize(data);
    };
  }

  function compile(schema: z.ZodType, where: string): Serialize {
    const stringify = build(replySchema(schema) as never) as Serialize;
    if (!checkReplies) return stringify;
    return (data) => {
      const parsed = schema.safeParse(data);
      if (parsed.success) return stringify(data);
      throw new Error(`${where}: the reply breaks its contract: ${z.prettifyError(parsed.error)}`);
    };
  }

  return {
    of(schema, where) {
      let serialize: Serialize | null = null;
      const compileOnce = () => {
        serialize ??= serializerOf(schema, where);
        return serialize;
      };
      toCompile.push(compileOnce);
      return (data) => (serialize ?? compileOnce())(data);
    },
    compileAll() {
      for (const compileOnce of toCompile.splice(0)) compileOnce();
    },
  };
}
