/** The letters, in Chinese and English, as plain text and as simple HTML. */
import { escapeHtml } from "../../lib/html.ts";
import { type Language, languageTag, type Text } from "../../lib/language.ts";
import { plainLine } from "../../lib/wire.ts";
import { listedAtMost, type Outgoing, type Waiting } from "./outbox.store.ts";

export interface Letter {
  subject: string;
  text: string;
  html: string;
}

interface Link {
  token: string;
  expiresAt: string;
}

interface Place {
  publicUrl: string;
  linkPage: string | null;
}

const subjects: Record<Outgoing["kind"], Text> = {
  invitation: { zh: "邀请您加入科技大市场", en: "Invitation to the Grand Market" },
  password_reset: { zh: "重设您的登录密码", en: "Set a new password" },
  password_changed: { zh: "您的登录密码已变更", en: "Your password was changed" },
  interest_received: { zh: "收到新的意向，请答复", en: "An interest waits for your answer" },
  match_proposed: { zh: "收到新的对接建议，请确认", en: "A proposed match waits for your answer" },
  contract_to_confirm: { zh: "合同待您方确认", en: "A contract waits for your confirmation" },
  supplement_requested: {
    zh: "登记机构要求补正材料",
    en: "The registration office asks for a supplement",
  },
  digest: { zh: "今日待办事项", en: "What waits for you today" },
};

/** What waits, of each kind, and where it is. */
const waits: Record<Waiting["kind"], Text & { path: string }> = {
  interest_received: { zh: "意向待答复", en: "Interest to answer", path: "/v1/interests" },
  match_proposed: { zh: "对接待确认", en: "Match to accept or decline", path: "/v1/matches" },
  contract_to_confirm: { zh: "合同待确认", en: "Contract to confirm", path: "/v1/contracts" },
  supplement_requested: {
    zh: "登记材料待补正",
    en: "Registration to supplement",
    path: "/v1/registrations",
  },
};

/** `R-2026-000123 Title (by 2026-03-02)` */
function itemLine({ kind, reference, title, dueOn }: Waiting, language: Language): string {
  const due = dueOn && { zh: `（期限 ${dueOn}）`, en: ` (by ${dueOn})` }[language];
  const what = [reference, title].filter(Boolean).join(" ");
  const colon = { zh: "：", en: ": " }[language];
  return `${waits[kind][language]}${colon}${what}${due ?? ""}`;
}

/** In China's time, as the days of the market are. */
const momentOf = (instant: string, language: Language) =>
  new Intl.DateTimeFormat(languageTag[language], {
    dateStyle: "long",
    timeStyle: "short",
    timeZone: "Asia/Shanghai",
  }).format(new Date(instant));

/** A paragraph; a list of lines; or a line that stands by itself, such as a token. */
type Part = string | { lines: string[] } | { mark: string } | { href: string };

function linkParts({ token, expiresAt }: Link, place: Place, language: Language): Part[] {
  const until = momentOf(expiresAt, language);
  const once = {
    zh: `该链接仅能使用一次，有效期至 ${until}（北京时间）。请勿转发。`,
    en: `It works once, until ${until} (China time). Do not forward it.`,
  }[language];
  if (place.linkPage !== null) {
    const ask = { zh: "请打开以下链接设置密码：", en: "Open this link to set your password:" };
    return [ask[language], { href: `${place.linkPage}#token=${token}` }, once];
  }
  const ask = {
    zh: `请将以下一次性令牌与新密码提交至 ${place.publicUrl}/v1/auth/redeem-link：`,
    en: `Send this one-time token with a new password to ${place.publicUrl}/v1/auth/redeem-link:`,
  };
  return [ask[language], { mark: token }, once];
}

function partsOf(mail: Outgoing, link: Link | null, place: Place): Part[] {
  const { language } = mail;
  const said = (text: Text) => text[language];
  if (link) {
    const isInvited = mail.kind === "invitation";
    const invited = {
      zh: `${mail.organization}邀请您作为其成员使用科技大市场。`,
      en: `${mail.organization} invites you to the Grand Market as one of its members.`,
    };
    const reset = {
      zh: "有管理员为您的账户生成了重设密码的链接。如非您本人要求，请与本机构管理员联系。",
      en: "An administrator has made a link to reset the password of your account. If you did not ask for it, speak to your organization's administrator.",
    };
    return [said(isInvited ? invited : reset), ...linkParts(link, place, language)];
  }
  if (mail.kind === "password_changed") {
    return [
      said({
        zh: "您的账户密码刚刚变更，此前的登录均已失效。",
        en: "The password of your account was just changed. All earlier sign-ins have ended.",
      }),
      said({
        zh: "如非您本人操作，请立即与本机构管理员或市场运营方联系。",
        en: "If it was not you, speak to your organization's administrator or the market's operator at once.",
      }),
    ];
  }
  const items = mail.items ?? [];
  const lines = items.slice(0, listedAtMost).map((item) => itemLine(item, language));
  const more = { zh: "其余事项请登录查看。", en: "Sign in to see the rest." };
  const where = [...new Set(items.map(({ kind }) => `${place.publicUrl}${waits[kind].path}`))];
  return [
    said({
      zh: `以下事项等待${mail.organization}办理：`,
      en: `This waits for ${mail.organization}:`,
    }),
    { lines },
    ...(items.length > listedAtMost ? [said(more)] : []),
    said({ zh: `办理地址：${where.join("、")}`, en: `Where: ${where.join(", ")}` }),
    said({
      zh: `不希望收到此类邮件，可在 ${place.publicUrl}/v1/me/mail-preferences 中关闭。`,
      en: `Turn mail like this off at ${place.publicUrl}/v1/me/mail-preferences.`,
    }),
  ];
}

function plain(part: Part): string {
  if (typeof part === "string") return part;
  if ("lines" in part) return part.lines.map((line) => `- ${line}`).join("\n");
  return "mark" in part ? part.mark : part.href;
}

function markup(part: Part): string {
  if (typeof part === "string") return `<p>${escapeHtml(part)}</p>`;
  if ("lines" in part) {
    return `<ul>${part.lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;
  }
  if ("mark" in part) return `<p><code>${escapeHtml(part.mark)}</code></p>`;
  return `<p><a href="${escapeHtml(part.href)}">${escapeHtml(part.href)}</a></p>`;
}

/**
 * The letter of a mail, in its reader's language.
 * @param link what a mail with a link leads with
 */
export function letterOf(mail: Outgoing, link: Link | null, place: Place): Letter {
  const { language } = mail;
  const [first] = mail.items ?? [];
  const only = mail.kind !== "digest" && first ? first.reference : null;
  const subject = subjects[mail.kind][language];
  const greeting = { zh: `${mail.name}，您好！`, en: `Dear ${mail.name},` }[language];
  const closing = {
    zh: "科技大市场（自动发送，请勿回复）",
    en: "Grand Market (sent automatically)",
  };
  const parts = [greeting, ...partsOf(mail, link, place), closing[language]];
  return {
    subject: plainLine(only ? `${subject} ${only}` : subject),
    text: `${parts.map(plain).join("\n\n")}\n`,
    html: `<!doctype html><html lang="${languageTag[language]}"><meta charset="utf-8"><body>${parts.map(markup).join("")}</body></html>\n`,
  };
}
