import type { Executor } from "../../database/connect.ts";
import { AppError } from "../../lib/errors.ts";
import { type Page, readCursor, toPage, totalOf } from "../../lib/pagination.ts";
import { fold, joined, queryWordsOf } from "../../lib/terms.ts";
import { readTaxonomy } from "../taxonomies/taxonomies.service.ts";
import type { Broker, ListBrokersQuery } from "./brokers.schema.ts";
import * as store from "./brokers.store.ts";

/** What `q` asks for: each of its words, with the fields whose names it is in. */
async function understand(db: Executor, q: string): Promise<store.Asked> {
  const words = queryWordsOf(fold(q)).map(({ text }) => text);
  if (words.length === 0) return { written: q, words: [] };
  const { items } = await readTaxonomy(db, "technology-fields");
  // A Chinese name without its punctuation: `生物医药` is what people call `生物、医药和医疗器械技术`.
  const fields = items.map(({ code, zh, en }) => ({ code, labels: [joined(fold(zh)), fold(en)] }));
  return {
    written: q.normalize("NFKC").toLowerCase(),
    words: words.map((text) => ({
      text,
      fieldCodes: fields
        .filter(({ labels }) => labels.some((label) => label.includes(text)))
        .map(({ code }) => code),
    })),
  };
}

/** The public directory of those who are brokers today. */
export async function listBrokers(db: Executor, query: ListBrokersQuery): Promise<Page<Broker>> {
  const asked = query.q === undefined ? null : await understand(db, query.q);
  const after = readCursor("brokers", query);
  // Nothing but punctuation finds nothing.
  const nobody = asked?.words.length === 0;
  const rows = nobody ? [] : await store.selectBrokers(db, query, asked, after);
  const page = toPage(
    "brokers",
    query,
    rows,
    () => "",
    (row) => row,
  );
  if (query.include) page.total = totalOf(nobody ? 0 : await store.countBrokers(db, query, asked));
  return page;
}

/**
 * The person as a broker, if they are one now: an active member of a verified organization with a
 * certified certificate whose last day has not passed.
 */
export const findValidBroker = store.selectBroker;

/** The refusal of a person who is no broker now, which says what the latest certificate lacks. */
export async function noBroker(db: Executor, memberId: string): Promise<AppError> {
  const latest = await store.selectLatestCertificate(db, memberId);
  if (!latest) {
    const detail = {
      en: "There is no certificate of yours: apply with one at /v1/broker-certificates.",
      zh: "您尚无技术经纪人证书：请在 /v1/broker-certificates 提交申请。",
    };
    return new AppError("match.not_a_broker", { detail });
  }
  const { certificateNumber, status, validUntil } = latest;
  const detail = {
    en: `Your certificate ${certificateNumber} is ${status}${validUntil ? `, with ${validUntil} as its last day` : ""}.`,
    zh: `您的证书 ${certificateNumber} 当前状态为 ${status}${validUntil ? `，有效期至 ${validUntil}` : ""}。`,
  };
  return new AppError("match.not_a_broker", { detail });
}

/** @throws AppError `match.not_a_broker` (403) for a person who is no broker now */
export async function assertBroker(db: Executor, memberId: string): Promise<void> {
  if (!(await findValidBroker(db, memberId))) throw await noBroker(db, memberId);
}

/** Brokers of a field, second level or first, those who brought about most contracts first. */
export const listBrokersOfField = (
  db: Executor,
  fieldCode: string,
  limit: number,
): Promise<Broker[]> => store.selectBrokersOfField(db, fieldCode, limit);

/** @throws AppError `broker.not_found` (404) for a person who is no broker now */
export async function readBroker(db: Executor, memberId: string): Promise<Broker> {
  const broker = await findValidBroker(db, memberId);
  if (!broker) throw new AppError("broker.not_found");
  return broker;
}
