/** Everybody who takes part in the main flow, on the demo market or on one that the tour makes. */
import { type Caller, callerOf, expect, machine, person, TourFailure } from "./caller.ts";

export interface Cast {
  public: Caller;
  operator: Caller;
  /** A university's technology transfer office. */
  office: Caller;
  officeOrganizationId: string;
  enterprise: Caller;
  enterpriseOrganizationId: string;
  enterpriseRegionCode: string;
  /** The enterprise's own system. */
  system: Caller;
  broker: Caller;
  firstReviewer: Caller;
  secondReviewer: Caller;
}

/** A password for people who live as long as the scratch database does. */
export const scratchPassword = "a tour's own pass phrase";

const demoPassword = "grand-market-demo";

/** What a machine client signs in with. */
export interface Client {
  clientId: string;
  clientSecret: string;
}

/** Makes a machine client for the enterprise's system. */
export const newClient = (enterprise: Caller): Promise<Client> =>
  enterprise.post("/v1/api-clients", {
    name: `ERP ${new Date().toISOString()}`,
    scopes: ["needs:read", "needs:write", "interests:read", "interests:write", "contracts:read"],
  });

const organizationOf = async (caller: Caller): Promise<{ id: string; regionCode: string }> =>
  (await caller.get("/v1/me")).organization;

async function complete(
  url: string,
  people: Pick<
    Cast,
    "operator" | "office" | "enterprise" | "broker" | "firstReviewer" | "secondReviewer"
  >,
  client?: Client,
): Promise<Cast> {
  const enterprise = await organizationOf(people.enterprise);
  const { clientId, clientSecret } = client ?? (await newClient(people.enterprise));
  return {
    ...people,
    public: callerOf(url, "the public", null),
    officeOrganizationId: (await organizationOf(people.office)).id,
    enterpriseOrganizationId: enterprise.id,
    enterpriseRegionCode: enterprise.regionCode,
    system: machine(url, "enterprise's system", clientId, clientSecret),
  };
}

/**
 * The people of the demo market.
 * @throws TourFailure on any other market: the tour would leave its contract in somebody's statistics
 */
export async function demoCast(url: string): Promise<Cast> {
  const sign = (who: string, key: string) => person(url, who, `${key}@demo.example`, demoPassword);
  let operator: Caller;
  try {
    operator = await sign("operator", "operator");
  } catch (error) {
    if (!(error instanceof TourFailure)) {
      throw new TourFailure(`no market answers at ${url}: start one with \`npm start\` first`);
    }
    throw new TourFailure(
      `${url} is not the demo market, and the tour would leave a contract in its statistics. Use \`npm run tour -- --self\`.`,
    );
  }
  return complete(url, {
    operator,
    office: await sign("transfer office", "university"),
    enterprise: await sign("enterprise", "enterprise"),
    broker: await sign("broker", "broker"),
    firstReviewer: await sign("first reviewer", "registry"),
    secondReviewer: await sign("second reviewer", "registry2"),
  });
}

interface Newcomer {
  kind: string;
  name: string;
  creditCode: string;
  regionCode: string;
  industryCode: string;
}

const newcomers = {
  office: {
    kind: "university",
    name: "豫北工业大学",
    creditCode: "12410711MB0T31011L",
    regionCode: "410711",
    industryCode: "P",
  },
  enterprise: {
    kind: "enterprise",
    name: "辉县恒泽电镀有限公司",
    creditCode: "91410782MA9T31038P",
    regionCode: "410782",
    industryCode: "C33",
  },
  broker: {
    kind: "brokerage",
    name: "新乡诚联技术转移有限公司",
    creditCode: "91410702MA9T31046N",
    regionCode: "410702",
    industryCode: "M75",
  },
} as const satisfies Record<string, Newcomer>;

/** Everybody but the operator comes to the market through the API. */
export async function scratchCast(url: string, operatorToken: string): Promise<Cast> {
  const nobody = callerOf(url, "nobody", null);
  const email = (key: string) => `${key}@tour.example`;
  const redeem = (token: string) =>
    nobody.post("/v1/auth/redeem-link", { token, password: scratchPassword });
  const sign = (who: string, key: string) => person(url, who, email(key), scratchPassword);

  await redeem(operatorToken);
  const operator = await sign("operator", "operator");

  const register = async (who: string, key: keyof typeof newcomers, name: string) => {
    const { organization } = await nobody.post("/v1/auth/register", {
      organization: newcomers[key],
      member: { name, email: email(key), password: scratchPassword },
    });
    // The operator verifies what it has looked at.
    const path = `/v1/organizations/${organization.id}`;
    const etag = (await operator.call("GET", path)).headers.get("etag") ?? "";
    await operator.call("POST", `${path}/verify`, { headers: { "if-match": etag } });
    return sign(who, key);
  };
  const office = await register("transfer office", "office", "苏文清");
  const enterprise = await register("enterprise", "enterprise", "韩立东");
  const broker = await register("broker", "broker", "罗思齐");

  const certificate = await broker.post("/v1/broker-certificates", {
    level: "senior",
    certificateNumber: "TOUR-2025-0001",
    issuer: "河南省技术转移人才培养基地",
    fieldCodes: ["07"],
    issuedOn: "2025-03-20",
  });
  await operator.post(`/v1/broker-certificates/${certificate.id}/certify`);

  const registry = await operator.post("/v1/organizations", {
    kind: "registry",
    name: "新乡市技术合同登记处",
    creditCode: "12410700MB0T310254",
    regionCode: "410700",
  });
  // The operator invites the office's first person, who invites the others.
  const invite = async (by: Caller, key: string, name: string, isAdmin: boolean) => {
    const member = { name, email: email(key), isAdmin };
    const { token } = await by.post(`/v1/organizations/${registry.id}/members`, member);
    await redeem(token);
    return sign(`${key} reviewer`, key);
  };
  const firstReviewer = await invite(operator, "first", "贾明远", true);
  const secondReviewer = await invite(firstReviewer, "second", "孟晓岚", false);
  await operator.post("/v1/registration-offices", {
    organizationId: registry.id,
    code: "410700",
    name: "新乡市技术合同登记处",
    regionCodes: ["410700"],
  });
  const cast = await complete(url, {
    operator,
    office,
    enterprise,
    broker,
    firstReviewer,
    secondReviewer,
  });
  expect(cast.officeOrganizationId !== cast.enterpriseOrganizationId, "two organizations");
  return cast;
}

/** The same people on a market that they came to before: they sign in again, and the system with its client. */
export async function returningCast(url: string, client: Client): Promise<Cast> {
  const sign = (who: string, key: string) =>
    person(url, who, `${key}@tour.example`, scratchPassword);
  const people = {
    operator: await sign("operator", "operator"),
    office: await sign("transfer office", "office"),
    enterprise: await sign("enterprise", "enterprise"),
    broker: await sign("broker", "broker"),
    firstReviewer: await sign("first reviewer", "first"),
    secondReviewer: await sign("second reviewer", "second"),
  };
  return complete(url, people, client);
}
