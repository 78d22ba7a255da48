/** Passwords that everybody tries first are refused, others are not. */
import t from "tap";
import { isHardToGuess } from "../../src/lib/common-passwords.ts";

t.test("common ones, runs and doubled ones are easy to guess", async (t) => {
  for (const password of [
    "1234567890",
    "0987654321",
    "123456789012345",
    "qwertyuiop",
    "PoiuytrewQ",
    "abcdefghijkl",
    "password123",
    "Manchester",
    "1qaz2wsx3edc",
    "charliecharlie",
    "aaaaaaaaaaaa",
  ]) {
    t.notOk(isHardToGuess(password), password);
  }
});

t.test("others are not", async (t) => {
  for (const password of [
    "correct horse battery",
    "春风又绿江南岸 2026",
    "a long pass phrase",
    "Zq7-vv19-Lkse",
    "12345 67890 kirschen",
  ]) {
    t.ok(isHardToGuess(password), password);
  }
});
