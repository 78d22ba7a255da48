/**
 * How every script is called: one description makes the text of `--help` and reads the command line, so
 * that the two cannot differ. A wrong call is told in one sentence, with exit code 2.
 */
import { parseArgs } from "node:util";

interface Flag {
  what: string;
}
interface Text {
  what: string;
  /** How its value is called in the help, such as `FILE`. */
  value: string;
  default?: string;
  /** May be given more than once. */
  several?: true;
}
interface Count {
  what: string;
  /** A whole number; this one when the option is not given, none where that depends. */
  count: number | null;
  most?: number;
}
type Option = Flag | Text | Count;

type ValueOf<O extends Option> = O extends { count: null }
  ? number | undefined
  : O extends Count
    ? number
    : O extends { several: true }
      ? string[] | undefined
      : O extends { default: string }
        ? string
        : O extends Text
          ? string | undefined
          : boolean;

export interface Description<O extends Record<string, Option> = Record<string, Option>> {
  /** Its name in package.json, or how else it is called. */
  name: string;
  /** What it does, and when to call it. */
  does: string;
  /** What it is called with beside options, as in the usage line: `FOLDER`, `create FILE | rotate FILE`. */
  given?: string;
  options?: O;
  /** The variables that it reads itself, and what each means to it. */
  environment?: Record<string, string>;
  /** Exit codes beside 2, which is a wrong call, in every script. */
  exits: string;
}

const left = (name: string, option: Option): string => {
  const value = "count" in option ? "N" : "value" in option ? option.value : "";
  return `--${name}${value && ` ${value}`}`;
};

const right = (option: Option): string => {
  const otherwise = "count" in option ? option.count : "default" in option ? option.default : null;
  return option.what + (otherwise === null ? "" : ` (${otherwise})`);
};

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, what]) => `  ${name.padEnd(width)}${what}`).join("\n");
}

const usageLine = ({ name, given = "" }: Description): string =>
  `Usage: npm run ${name} -- ${given ? `${given} ` : ""}[OPTIONS]`;

function helpText(description: Description): string {
  const { does, environment = {}, exits } = description;
  const options = Object.entries(description.options ?? {}).map(
    ([name, option]) => [left(name, option), right(option)] as const,
  );
  const parts = [
    usageLine(description),
    does.trim(),
    `Options:\n${table([...options, ["--help", "this text"]])}`,
  ];
  const variables = Object.entries(environment);
  if (variables.length > 0) parts.push(`Environment:\n${table(variables)}`);
  parts.push(`Exit codes: ${exits}, 2 called wrongly.`);
  return `${parts.join("\n\n")}\n`;
}

/** Ends a wrong call with a sentence that says what is wrong with it. */
export function refuseCall(description: Description, sentence: string): never {
  console.error(`${sentence}\n${usageLine(description)}; --help tells more.`);
  process.exit(2);
}

/** What `parseArgs` says, without its advice: the first sentence. */
const sentenceOf = (error: unknown): string => {
  const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(/\.\s/);
  return sentence.endsWith(".") ? sentence : `${sentence}.`;
};

/**
 * Reads the command line. With `--help` the help is printed and the process ends with 0; what the
 * description does not know, and a number that is none, end it with 2.
 */
export function readOptions<const O extends Record<string, Option>>(
  description: Description<O>,
): { options: { [K in keyof O]: ValueOf<O[K]> }; given: string[] } {
  const known = Object.entries<Option>(description.options ?? {});
  const parse = () =>
    parseArgs({
      allowPositionals: description.given !== undefined,
      options: {
        help: { type: "boolean" },
        ...Object.fromEntries(
          known.map(([name, option]) => [
            name,
            {
              type: "count" in option || "value" in option ? "string" : "boolean",
              multiple: "several" in option,
            } as const,
          ]),
        ),
      },
    });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    refuseCall(description, sentenceOf(error));
  }
  const values: Record<string, unknown> = parsed.values;
  if (values.help) {
    console.log(helpText(description));
    process.exit(0);
  }
  const read = ([name, option]: [string, Option]): [string, unknown] => {
    const value = values[name];
    if ("value" in option) return [name, value ?? option.default];
    if (!("count" in option)) return [name, value ?? false];
    if (value === undefined) return [name, option.count ?? undefined];
    const number = Number(value);
    if (Number.isInteger(number) && number > 0 && number <= (option.most ?? number)) {
      return [name, number];
    }
    const limits = option.most ? `from 1 to ${option.most}` : "above 0";
    refuseCall(description, `--${name}: a number ${limits}, whole, not ${value}.`);
  };
  return {
    options: Object.fromEntries(known.map(read)) as { [K in keyof O]: ValueOf<O[K]> },
    given: parsed.positionals,
  };
}
