// What runs in the threads of `threads.ts`. Plain JavaScript: a thread under tsx cannot load TypeScript on
// Node 20 before tsx is told to.

let knowsTypeScript = false;

/**
 * Runs an exported function of a module. What it throws goes back as an answer: a task that is rejected
 * tells of a thread that died.
 * @param {{ module: string; name: string; given: unknown[] }} task
 */
export async function run({ module, name, given }) {
  if (module.endsWith(".ts") && !knowsTypeScript) {
    (await import("tsx/esm/api")).register();
    knowsTypeScript = true;
  }
  try {
    const exported = await import(module);
    return { value: await exported[name](...given) };
  } catch (error) {
    return { error };
  }
}
