/**
 * The words of the API: what is refused and why, what a machine may be allowed, how the documentation
 * is parted. A feature owns its own, in `<feature>.words.ts`: data alone. src/words.ts gathers them.
 */
import type { Text } from "./language.ts";

/** A refusal: its titles, and the status that it is always sent with. */
export interface ErrorKind extends Text {
  status: number;
}

/** What a feature may say. A code is stable and never translated; its texts are. */
export interface FeatureWords<Code extends string = string> {
  /** The part of the documentation that this feature begins. */
  tag?: { readonly name: string; readonly description: string };
  /** What a machine client may be allowed to do for its organization. People need no scope. */
  scopes?: readonly string[];
  /** What a code can be about: each noun has the codes `not_found`, `not_owner` and so on. */
  nouns?: Readonly<Record<string, Text>>;
  /** Why a request can be refused, beyond what every noun has. */
  errors?: Readonly<Record<string, ErrorKind>>;
  /** What can be wrong with one field beyond its type. */
  faults?: Readonly<Record<string, Text>>;
  /**
   * What the database's own refusals mean to a caller. These are the constraints that a race can reach
   * although the code checked before; any other violation is a bug and answers 500.
   */
  constraints?: Readonly<Record<string, Code>>;
}

/**
 * All words, as types: `noun`, `reason`, `error`, `fault`, `scope`. src/words.ts declares them from what
 * the features say, so that the lists are closed and yet nothing here knows a feature.
 */
// biome-ignore lint/suspicious/noEmptyInterface: its members are declared in src/words.ts
export interface Vocabulary {}

/**
 * One kind of word, of all features.
 * @throws Error when two say the same word: one of them would never be heard
 */
export function gather<T>(
  parts: readonly (Readonly<Record<string, T>> | undefined)[],
): ReadonlyMap<string, T> {
  const all = new Map<string, T>();
  for (const [word, meaning] of parts.flatMap((part) => Object.entries(part ?? {}))) {
    if (all.has(word)) throw new Error(`two features say ${word}`);
    all.set(word, meaning);
  }
  return all;
}

/** The words that all features share. */
export const shared = {
  errors: {
    "request.invalid": { status: 400, en: "The request is not valid", zh: "请求无效" },
    "request.malformed_json": {
      status: 400,
      en: "The body is not valid JSON",
      zh: "请求体不是有效的 JSON",
    },
    "request.not_utf8": {
      status: 400,
      en: "The body is not UTF-8",
      zh: "请求体不是 UTF-8 编码",
    },
    "request.malformed_url": { status: 400, en: "The URL is not valid", zh: "URL 无效" },
    "request.idempotency_key_not_accepted": {
      status: 400,
      en: "This operation answers with a secret, so its reply cannot be stored: send no Idempotency-Key",
      zh: "该操作的响应含有密钥，不能保存：请勿发送 Idempotency-Key",
    },
    "auth.required": { status: 401, en: "Sign in first", zh: "请先登录" },
    "auth.invalid_token": {
      status: 401,
      en: "The access token is not valid or has expired",
      zh: "访问令牌无效或已过期",
    },
    "auth.invalid_credentials": {
      status: 401,
      en: "The e-mail or the password is wrong",
      zh: "邮箱或密码错误",
    },
    "auth.invalid_refresh_token": {
      status: 401,
      en: "The refresh token is not valid or has expired: sign in again",
      zh: "刷新令牌无效或已过期：请重新登录",
    },
    "auth.refresh_token_reused": {
      status: 401,
      en: "The refresh token was used before, so the whole sign-in was revoked: sign in again",
      zh: "刷新令牌已被使用过，本次登录已全部作废：请重新登录",
    },
    "auth.invalid_link": {
      status: 400,
      en: "The link is not valid, was used before or has expired: ask for a new one",
      zh: "链接无效、已使用或已过期：请索取新链接",
    },
    "auth.forbidden_role": {
      status: 403,
      en: "Your role may not do this",
      zh: "您的角色无权执行此操作",
    },
    "auth.admin_required": {
      status: 403,
      en: "Only an admin of the organization may do this",
      zh: "仅机构管理员可执行此操作",
    },
    "auth.person_required": {
      status: 403,
      en: "A machine client may not do this: it needs a person",
      zh: "机器客户端不能执行此操作：须由本人执行",
    },
    "auth.insufficient_scope": {
      status: 403,
      en: "The token lacks a scope that this operation needs",
      zh: "令牌缺少该操作所需的权限范围",
    },
    "auth.too_many_attempts": {
      status: 429,
      en: "Too many failed attempts: wait before the next one, or send a refresh token of this device",
      zh: "失败次数过多：请稍后再试，或附上本设备此前登录的刷新令牌",
    },
    "request.rate_limited": {
      status: 429,
      en: "Too many requests of this kind: wait before the next one",
      zh: "此类请求过于频繁：请稍后再试",
    },
    "request.not_found": {
      status: 404,
      en: "There is nothing at this address",
      zh: "此地址没有内容",
    },
    "request.method_not_allowed": {
      status: 405,
      en: "This address does not take this method",
      zh: "此地址不支持该方法",
    },
    "request.timeout": {
      status: 408,
      en: "The request did not arrive in time: send it again",
      zh: "请求未能在规定时间内传完：请重新发送",
    },
    "request.malformed_http": {
      status: 400,
      en: "The bytes are no HTTP request",
      zh: "收到的内容不是有效的 HTTP 请求",
    },
    "request.headers_too_large": {
      status: 431,
      en: "The URL and the headers are too large",
      zh: "URL 与请求头过大",
    },
    "request.range_not_satisfiable": {
      status: 416,
      en: "The range lies beyond the end of the file",
      zh: "请求的范围超出文件末尾",
    },
    "request.too_large": { status: 413, en: "The body is too large", zh: "请求体过大" },
    "request.unsupported_media_type": {
      status: 415,
      en: "The body's content type is not one this operation reads",
      zh: "不支持该请求体类型",
    },
    "request.precondition_required": {
      status: 428,
      en: "Send If-Match with the ETag of the version that you change",
      zh: "请在 If-Match 中发送所修改版本的 ETag",
    },
    "request.precondition_failed": {
      status: 412,
      en: "The resource was changed meanwhile: read it again",
      zh: "该资源已被他人修改：请重新读取",
    },
    "batch.refused": {
      status: 409,
      en: "All or nothing was asked for, and some of the items were refused: nothing was changed",
      zh: "要求全部成功或全部不执行，而其中部分条目被拒绝：未作任何更改",
    },
    "idempotency.key_reused": {
      status: 422,
      en: "The Idempotency-Key was used before with another request",
      zh: "该 Idempotency-Key 已用于另一请求",
    },
    "idempotency.in_progress": {
      status: 409,
      en: "The first request with this Idempotency-Key is still running",
      zh: "使用该 Idempotency-Key 的首个请求仍在处理中",
    },
    "server.internal": {
      status: 500,
      en: "Something went wrong on our side",
      zh: "服务器内部错误",
    },
    "server.overloaded": {
      status: 503,
      en: "The service is overloaded: try again shortly",
      zh: "服务繁忙：请稍后重试",
    },
    "server.unavailable": {
      status: 503,
      en: "The database cannot be used at the moment: try again shortly",
      zh: "数据库暂时无法使用：请稍后重试",
    },
    "storage.full": {
      status: 507,
      en: "There is no room left to store this: nothing was changed",
      zh: "存储空间已满，未作任何更改",
    },
  },
  faults: {
    invalid_characters: {
      en: "must not hold control characters or broken Unicode",
      zh: "不得含有控制字符或残缺的 Unicode 字符",
    },
    "credit_code.shape": {
      en: "must be 18 digits or capitals, without I, O, S, V and Z",
      zh: "须为 18 位数字或大写字母（不含 I、O、S、V、Z）",
    },
    "credit_code.check_digit": {
      en: "is not a unified social credit code: the check digit is wrong",
      zh: "不是有效的统一社会信用代码：校验位错误",
    },
    "patent_number.check_digit": {
      en: "is not a Chinese patent number: the shape or the check digit is wrong",
      zh: "不是有效的中国专利号：格式或校验位错误",
    },
    "patent_number.type_mismatch": {
      en: "names another kind of patent than typeCode says",
      zh: "专利号所示的专利类型与 typeCode 不符",
    },
    "date.invalid": {
      en: "is not a date of the calendar (YYYY-MM-DD)",
      zh: "不是有效的日期（YYYY-MM-DD）",
    },
    "date.past": { en: "must not lie in the past", zh: "不得早于今天" },
    "date.future": { en: "must not lie in the future", zh: "不得晚于今天" },
    "date.order": { en: "must not lie before the first date", zh: "不得早于起始日期" },
    "money.invalid": {
      en: "must be a decimal string from 0 to 9999999999999999.99 with at most two decimals",
      zh: "须为 0 至 9999999999999999.99 的十进制字符串，最多两位小数",
    },
    "share.invalid": {
      en: "must be a percentage above 0, at most 100, with at most two decimals",
      zh: "须为大于 0、不超过 100 的百分比，最多两位小数",
    },
    "cursor.invalid": {
      en: "is not a cursor of this list with these filters and this order",
      zh: "不是该列表（相同筛选与排序）的游标",
    },
    duplicate: { en: "is named twice", zh: "重复" },
    plus_not_encoded: {
      en: "the + of an offset must be written %2B in a query string: 2026-03-02T09:30:00%2B08:00",
      zh: "查询字符串中时区偏移的 + 须写作 %2B：2026-03-02T09:30:00%2B08:00",
    },
    "external_id.taken": {
      en: "is what the organization calls another one already",
      zh: "已是本机构另一条记录的自有编号",
    },
    "external_id.other": {
      en: "must be the one of the address, or be left out",
      zh: "须与地址中的自有编号一致，或不填写",
    },
    unchanged: { en: "changes nothing", zh: "没有任何变更" },
    "header.length": { en: "must hold 1 to 255 characters", zh: "长度须为 1 至 255 个字符" },
    // What a schema says of a value, each time with a sentence of its own that names types and bounds.
    invalid_type: { en: "is of another type", zh: "类型不符" },
    invalid_value: { en: "is none of the allowed values", zh: "不是允许的取值" },
    invalid_format: { en: "is not of the required form", zh: "格式不符" },
    invalid_union: { en: "fits none of the allowed forms", zh: "不符合任何一种允许的形式" },
    invalid_key: { en: "holds a name that is not allowed", zh: "含有不允许的键名" },
    invalid_element: { en: "holds an element that is not allowed", zh: "含有不允许的元素" },
    too_small: { en: "is too small or too short", zh: "过小或过短" },
    too_big: { en: "is too large or too long", zh: "过大或过长" },
    not_multiple_of: { en: "is no multiple of what it must be", zh: "不是规定数值的整数倍" },
    required: { en: "is required", zh: "必填" },
    unknown_field: { en: "is not a field of this request", zh: "不是该请求的字段" },
    unknown_parameter: { en: "is not a parameter of this request", zh: "不是该请求的参数" },
  },
  constraints: {
    idempotency_keys_scope: "idempotency.in_progress",
  },
} as const satisfies FeatureWords;
