/** The API in a process of its own, for the registry's figures; tokens are made for the people of the data. */
import { openApi } from "./api.ts";
import type { Job } from "./cases.ts";

export interface Person {
  memberId: string;
  sessionId: string;
}
export interface Start {
  job: Job;
  people: Person[];
}
export interface Ready {
  port: number;
  tokens: string[];
}

// A bench that was killed leaves nothing behind.
process.once("disconnect", () => process.exit());

process.once("message", async ({ job, people }: Start) => {
  // The sealer runs in production beside what is measured.
  const { app, close } = await openApi(job);
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  const tokens = people.map(({ memberId, sessionId }) =>
    app.signAccessToken({ sub: memberId, client_id: "grand-market", scope: "", sid: sessionId }),
  );
  const ready: Ready = {
    port: typeof address === "object" && address ? address.port : 0,
    tokens,
  };
  process.send?.(ready);
  process.once("message", async () => {
    await close();
    process.disconnect();
  });
});
