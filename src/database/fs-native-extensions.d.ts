/** What is used of a package that brings no types. */
declare module "fs-native-extensions" {
  /**
   * Locks a range of an open file, until it is closed, for this process alone.
   * @returns false when somebody else has it locked
   */
  export function tryLock(fd: number, offset: number, length: number): boolean;
  /** Locks an open file, as soon as nobody else has it locked, until it is closed. */
  export function waitForLock(fd: number): Promise<void>;
}
