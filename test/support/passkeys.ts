/** An authenticator of our own: it answers a browser's questions as WebAuthn Level 2 says. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest();
const base64url = (bytes: Buffer) => bytes.toString("base64url");

/** CBOR (RFC 8949) of what a passkey says: whole numbers, texts, bytes and maps. */
function cbor(value: number | string | Buffer | Map<number | string, unknown>): Buffer {
  const head = (major: number, size: number) =>
    size < 24
      ? Buffer.from([(major << 5) | size])
      : size < 256
        ? Buffer.from([(major << 5) | 24, size])
        : Buffer.from([(major << 5) | 25, size >> 8, size & 255]);
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string")
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  const parts = [...value].flatMap(([key, one]) => [cbor(key), cbor(one as never)]);
  return Buffer.concat([head(5, value.size), ...parts]);
}

export interface Authenticator {
  credentialId: string;
  /** Answers `navigator.credentials.create`. */
  create: (options: Question, origin: string) => { response: object };
  /** Answers `navigator.credentials.get`. @param counter that it claims, else the next one */
  get: (options: Question, origin: string, counter?: number) => object;
}

interface Question {
  challenge: string;
  rp?: { id?: string };
  rpId?: string;
}

/** An authenticator with one passkey. @param idLength bytes of its id */
export function newAuthenticator(idLength = 16): Authenticator {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = randomBytes(idLength);
  const credentialId = base64url(id);
  let signed = 0;
  const clientData = (type: string, challenge: string, origin: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const answer = (response: object) => ({
    id: credentialId,
    rawId: credentialId,
    type: "public-key",
    clientExtensionResults: {},
    response,
  });
  return {
    credentialId,
    create({ challenge, rp }, origin) {
      const data = Buffer.concat([
        sha256(rp?.id ?? ""),
        Buffer.from([0x41, 0, 0, 0, 0]),
        Buffer.alloc(16),
        Buffer.from([id.length >> 8, id.length & 255]),
        id,
        coseOf(publicKey),
      ]);
      const attestation = new Map<string, unknown>([
        ["fmt", "none"],
        ["attStmt", new Map()],
        ["authData", data],
      ]);
      return answer({
        clientDataJSON: base64url(clientData("webauthn.create", challenge, origin)),
        attestationObject: base64url(cbor(attestation)),
        transports: ["usb"],
      });
    },
    get({ challenge, rpId }, origin, counter = ++signed) {
      const client = clientData("webauthn.get", challenge, origin);
      const data = Buffer.concat([
        sha256(rpId ?? ""),
        Buffer.from([0x01, 0, 0, counter >> 8, counter & 255]),
      ]);
      return answer({
        clientDataJSON: base64url(client),
        authenticatorData: base64url(data),
        signature: base64url(sign("sha256", Buffer.concat([data, sha256(client)]), privateKey)),
      });
    },
  };
}

function coseOf(key: KeyObject): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return cbor(
    new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, "base64url")],
      [-3, Buffer.from(y, "base64url")],
    ]),
  );
}
