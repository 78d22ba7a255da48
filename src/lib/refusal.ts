/**
 * A reason not to go on that the person at the keyboard can mend: its message is one or two sentences
 * that say what is wrong and what to do. Programs print it without a stack and end with exit code 1.
 */
export class Refusal extends Error {}
