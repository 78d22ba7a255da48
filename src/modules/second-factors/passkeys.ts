/** Passkeys (WebAuthn Level 2) as a second factor: what a browser is asked, and what its answer proves. */
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  RegistrationResponseJSON,
} from "@simplewebauthn/server";
import { sha256 } from "../../lib/ids.ts";
import type { PasskeyAnswer } from "./second-factors.schema.ts";

/** The page on which people sign in: a passkey belongs to its host, and answers nobody else. */
export interface Site {
  name: string;
  /** Scheme, host and port. */
  origin: string;
}

/** A passkey that is set up. */
export interface Passkey {
  credentialId: string;
  publicKey: Buffer;
  counter: number;
  transports: string[] | null;
}

/** What was asked, to be found again by the answer's; and what the browser is told. */
export interface Asked {
  challengeHash: string;
  options: Record<string, unknown>;
}

// Loaded when the first passkey is met: it reads certificates, and takes 20 MB and 0.1 s.
const library = () => import("@simplewebauthn/server");

/** Bytes of a passkey's id (WebAuthn Level 3, 7.1, step 25), and of its key: RSA of 4096 bits has 530. */
const longestId = 1_023;
const longestKey = 2_048;

/** How a browser may reach one (WebAuthn Level 3, 5.8.4); what else it says is not kept. */
const knownTransports = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];

const hostOf = ({ origin }: Site) => new URL(origin).hostname;
const idsOf = (known: readonly Passkey[]) =>
  known.map(({ credentialId: id, transports }) => ({
    id,
    transports: (transports ?? []) as AuthenticatorTransport[],
  }));

/** Asks for a new passkey. @param known those that the person has: an authenticator holds one */
export async function askForNew(
  site: Site,
  person: { id: string; email: string },
  known: readonly Passkey[],
): Promise<Asked> {
  const { generateRegistrationOptions } = await library();
  const options = await generateRegistrationOptions({
    rpName: site.name,
    rpID: hostOf(site),
    userName: person.email,
    userID: new Uint8Array(Buffer.from(person.id)),
    attestationType: "none",
    excludeCredentials: idsOf(known),
    authenticatorSelection: { residentKey: "discouraged", userVerification: "preferred" },
  });
  return { challengeHash: sha256(options.challenge), options: { ...options } };
}

/** Asks to prove one of these. */
export async function askToProve(site: Site, known: readonly Passkey[]): Promise<Asked> {
  const { generateAuthenticationOptions } = await library();
  const options = await generateAuthenticationOptions({
    rpID: hostOf(site),
    allowCredentials: idsOf(known),
    userVerification: "preferred",
  });
  return { challengeHash: sha256(options.challenge), options: { ...options } };
}

/** The challenge that an answer says it signs, hashed; null where it says none. */
export function challengeOf(answer: PasskeyAnswer): string | null {
  try {
    const said: unknown = JSON.parse(
      Buffer.from(answer.response.clientDataJSON, "base64url").toString("utf8"),
    );
    const { challenge } = Object(said);
    return typeof challenge === "string" ? sha256(challenge) : null;
  } catch {
    return null;
  }
}

/** An answer comes from anybody: whatever is wrong with it, and the library throws much, it proves nothing. */
async function proven<T>(check: () => Promise<T | null>): Promise<T | null> {
  try {
    return await check();
  } catch {
    return null;
  }
}

const expected = (site: Site, challengeHash: string) => ({
  expectedChallenge: (challenge: string) => sha256(challenge) === challengeHash,
  expectedOrigin: site.origin,
  expectedRPID: hostOf(site),
  // The password is the other factor: whoever holds the key need not be asked for a PIN.
  requireUserVerification: false,
});

/** The passkey that an answer to `askForNew` makes known; null when it proves none. */
export const newPasskey = (site: Site, challengeHash: string, answer: PasskeyAnswer) =>
  proven(async (): Promise<Passkey | null> => {
    const { verifyRegistrationResponse } = await library();
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      ...expected(site, challengeHash),
      response: answer as unknown as RegistrationResponseJSON,
    });
    if (!verified || !registrationInfo) return null;
    const { id, publicKey, counter, transports } = registrationInfo.credential;
    if (Buffer.byteLength(id, "base64url") > longestId || publicKey.length > longestKey)
      return null;
    return {
      credentialId: id,
      publicKey: Buffer.from(publicKey),
      counter,
      transports: knownTransports.filter((one) =>
        [transports ?? []].flat().some((said) => said === one),
      ),
    };
  });

/** The passkey's count after an answer to `askToProve`; null when the answer proves nothing. */
export const provenCount = (
  site: Site,
  challengeHash: string,
  answer: PasskeyAnswer,
  known: Passkey,
) =>
  proven(async (): Promise<number | null> => {
    const { verifyAuthenticationResponse } = await library();
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      ...expected(site, challengeHash),
      response: answer as unknown as AuthenticationResponseJSON,
      credential: {
        id: known.credentialId,
        publicKey: new Uint8Array(known.publicKey),
        counter: known.counter,
      },
    });
    return verified ? authenticationInfo.newCounter : null;
  });
