/**
 * Every refusal this API can give. A code is stable and never translated; its title is, and its
 * status is fixed here. Thrown as `AppError(code)`, sent as an RFC 9457 problem document.
 */
import type { Text } from "./language.ts";

/** What a code can be about, in both languages. */
const nouns = {
  organization: ["organization", "机构"],
  member: ["member", "成员"],
  api_client: ["API client", "API 客户端"],
  broker: ["broker", "技术经纪人"],
  broker_certificate: ["broker certificate", "技术经纪人证书"],
  taxonomy: ["taxonomy", "分类表"],
  taxonomy_item: ["taxonomy item", "分类项"],
  result: ["result", "科技成果"],
  need: ["need", "技术需求"],
  interest: ["interest", "意向"],
  match: ["match", "对接"],
  contract: ["contract", "技术合同"],
  amendment: ["amendment", "合同变更"],
  payment: ["payment", "到账记录"],
  attachment: ["attachment", "附件"],
  registration: ["registration", "认定登记"],
  registration_office: ["registration office", "登记机构"],
  registration_rules: ["rule set", "登记规则"],
  synonym: ["synonym group", "同义词组"],
  saved_search: ["saved search", "已存检索"],
  audit_record: ["audit record", "审计记录"],
  job_fault: ["job fault", "后台作业故障"],
  problem: ["problem type", "问题类型"],
} as const;

export type Noun = keyof typeof nouns;
type NounReason = "not_found" | "not_owner" | "invalid_transition" | "incomplete";

interface ErrorKind extends Text {
  status: number;
}

const special = {
  "request.invalid": { status: 400, en: "The request is not valid", zh: "请求无效" },
  "cursor.expired": {
    status: 400,
    en: "The term statistics were counted anew since this page: scores are others now. Start from the first page",
    zh: "词项统计已更新，得分随之变化：请从第一页重新检索",
  },
  "request.malformed_json": {
    status: 400,
    en: "The body is not valid JSON",
    zh: "请求体不是有效的 JSON",
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
    en: "Too many failed attempts: wait before the next one",
    zh: "失败次数过多：请稍后再试",
  },
  "organization.not_verified": {
    status: 403,
    en: "The operator has not verified your organization yet",
    zh: "您的机构尚未通过核验",
  },
  "organization.suspended": {
    status: 403,
    en: "Your organization is suspended or closed: it reads its own and changes nothing",
    zh: "您的机构已被暂停或关闭：仅可查看自有数据，不能变更",
  },
  "organization.credit_code_taken": {
    status: 409,
    en: "Another organization with this unified social credit code is already verified",
    zh: "已有使用该统一社会信用代码的机构通过核验",
  },
  "organization.name_verified": {
    status: 409,
    en: "The name was verified: only the operator changes it",
    zh: "名称已通过核验：仅运营方可修改",
  },
  "organization.own": {
    status: 409,
    en: "The operator does not suspend or close its own organization: nobody could undo it",
    zh: "运营方不能暂停或关闭自己的机构：否则无人能够恢复",
  },
  "member.email_taken": { status: 409, en: "This e-mail is already in use", zh: "该邮箱已被使用" },
  "member.last_admin": {
    status: 409,
    en: "The organization would be left without an active admin",
    zh: "机构将没有任何有效的管理员",
  },
  "api_client.name_taken": {
    status: 409,
    en: "Another active API client of the organization has this name",
    zh: "本机构已有同名的有效 API 客户端",
  },
  "broker_certificate.already_applied": {
    status: 409,
    en: "The person already has an application under review",
    zh: "该人员已有待审的证书申请",
  },
  "broker_certificate.already_in_force": {
    status: 409,
    en: "The person, or another with this number, already has a certificate in force",
    zh: "该人员已有有效证书，或该证书编号已被使用",
  },
  "broker_certificate.validity_passed": {
    status: 409,
    en: "The certificate's validity has passed",
    zh: "证书有效期已过",
  },
  "synonym.words_taken": {
    status: 409,
    en: "Another group has the same words",
    zh: "已有词语完全相同的同义词组",
  },
  "taxonomy_item.code_taken": {
    status: 409,
    en: "The taxonomy already has this code",
    zh: "该分类表已有此代码",
  },
  "taxonomy_item.built_in": {
    status: 409,
    en: "A built-in item comes with the program: it is not changed here",
    zh: "内置分类项随程序发布，不能在此修改",
  },
  "need.reveals_owner": {
    status: 409,
    en: "An anonymous need must not name its owner in its text",
    zh: "匿名需求的文字中不得出现需求方名称等信息",
  },
  "interest.already_open": {
    status: 409,
    en: "Your organization already has an open interest in this listing",
    zh: "贵机构对该项目已有待答复的意向",
  },
  "interest.own_listing": {
    status: 409,
    en: "The listing is your own",
    zh: "该项目属于贵机构自己",
  },
  "match.already_open": {
    status: 409,
    en: "An open match of this result and this need exists already",
    zh: "该成果与该需求之间已有进行中的对接",
  },
  "match.not_a_broker": {
    status: 403,
    en: "Only a person with a valid broker certificate may do this",
    zh: "仅持有有效证书的技术经纪人可执行此操作",
  },
  "match.own_organization": {
    status: 409,
    en: "A broker's own organization may be on neither side",
    zh: "技术经纪人所在机构不得为对接任何一方",
  },
  "match.same_owner": {
    status: 409,
    en: "The result and the need belong to one organization",
    zh: "成果与需求属于同一机构",
  },
  "match.listing_not_published": {
    status: 409,
    en: "The result or the need is not in public view, or its owner is not in good standing",
    zh: "成果或需求未公开发布，或其所属机构状态异常",
  },
  "contract.state_secret": {
    status: 409,
    en: "A contract that holds state secrets must not be stored on this platform: go to the office in person",
    zh: "涉密技术合同不得在本平台登录、存储：请按保密规定到登记机构现场办理",
  },
  "contract.match_has_contract": {
    status: 409,
    en: "The match already has a contract",
    zh: "该对接已有合同",
  },
  "contract.revision_changed": {
    status: 409,
    en: "The contract is at another revision or content: read it again before you confirm",
    zh: "合同版本或内容已变化：请重新阅读后再确认",
  },
  "contract.already_confirmed": {
    status: 409,
    en: "Your organization has already given its word on this",
    zh: "贵机构已表示同意",
  },
  "contract.not_in_force": {
    status: 409,
    en: "Only a contract in force can be amended or paid",
    zh: "仅生效的合同可变更或登记到账",
  },
  "amendment.already_open": {
    status: 409,
    en: "An amendment of the contract waits for its parties",
    zh: "该合同有待各方确认的变更",
  },
  "payment.voucher_taken": {
    status: 409,
    en: "A payment of this contract with this voucher number is recorded already",
    zh: "该凭证号的到账已登记",
  },
  "attachment.type_refused": {
    status: 415,
    en: "Files of this type are not taken",
    zh: "不接受该类型的文件",
  },
  "attachment.damaged": {
    status: 500,
    en: "The stored bytes of this file are missing or not what was uploaded: upload it again to mend it",
    zh: "该附件的存储内容缺失或已损坏：请重新上传同一文件以修复",
  },
  "attachment.locked": {
    status: 409,
    en: "Such a file can be neither added nor removed now",
    zh: "当前不能增删此类附件",
  },
  "attachment.other_side": {
    status: 403,
    en: "The signed copy of an outside party is attached by a party of the other side",
    zh: "场外当事人的签署件须由合同另一方上传",
  },
  "attachment.limit": {
    status: 409,
    en: "It has as many files as it can have",
    zh: "附件数量已达上限",
  },
  "registration.already_filed": {
    status: 409,
    en: "The contract has a registration that is under way or in force",
    zh: "该合同已有办理中或有效的登记",
  },
  "registration.no_office": {
    status: 409,
    en: "No registration office is competent for the applicant's region",
    zh: "申请方所在地没有对应的登记机构",
  },
  "registration.not_applicant": {
    status: 403,
    en: "Only the seller who leads applies; of an import the domestic buyer",
    zh: "仅主要卖方可申请登记；技术进口合同由境内买方申请",
  },
  "registration.same_reviewer": {
    status: 409,
    en: "Another person than the first reviewer must decide",
    zh: "须由初审人以外的人员复核",
  },
  "registration.not_first_reviewer": {
    status: 409,
    en: "Only the first reviewer of the case may do this",
    zh: "仅本案初审人可执行此操作",
  },
  "registration.reviewer_of_applicant": {
    status: 403,
    en: "Staff of the applicant may not review",
    zh: "申请方人员不得参与审核",
  },
  "registration.expert_review_needed": {
    status: 409,
    en: "The case needs expert review before it is decided: it is large or disputed",
    zh: "大额或有争议的合同须先经专家评审",
  },
  "registration.not_agreed": {
    status: 409,
    en: "The parties have not all agreed to this change or cancellation of the contract",
    zh: "合同各方尚未就该变更或注销达成一致",
  },
  "registration_office.code_taken": {
    status: 409,
    en: "Another office has this code",
    zh: "该登记机构代码已被使用",
  },
  "registration_office.region_taken": {
    status: 409,
    en: "A region belongs to another office already",
    zh: "有地区已归属其他登记机构",
  },
  "organization.has_open_deals": {
    status: 409,
    en: "The organization has open matches, contracts or registrations",
    zh: "该机构有未了结的对接、合同或登记",
  },
  "statistics.as_of_unsealed": {
    status: 400,
    en: "The moment lies after the last seal of the log: ask for an earlier one",
    zh: "该时点晚于日志最近一次封存：请指定更早的时点",
  },
  "statistics.public_view": {
    status: 403,
    en: "The public view has one dimension by year or quarter, without other filters",
    zh: "公开统计仅提供按年或季度的单一维度，不支持其他筛选",
  },
  "saved_search.too_many": {
    status: 409,
    en: "You have as many saved searches as you can have: delete one first",
    zh: "已存检索数量已达上限：请先删除",
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
  "server.internal": { status: 500, en: "Something went wrong on our side", zh: "服务器内部错误" },
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
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof special | `${Noun}.${NounReason}`;

const nounReasons: Record<NounReason, (en: string, zh: string) => ErrorKind> = {
  not_found: (en, zh) => ({ status: 404, en: `No such ${en}`, zh: `没有这个${zh}` }),
  not_owner: (en, zh) => ({
    status: 403,
    en: `This ${en} belongs to another organization`,
    zh: `该${zh}属于其他机构`,
  }),
  invalid_transition: (en, zh) => ({
    status: 409,
    en: `The ${en}'s status does not allow this action`,
    zh: `该${zh}的当前状态不允许此操作`,
  }),
  incomplete: (en, zh) => ({
    status: 409,
    en: `The ${en} lacks what this action needs`,
    zh: `该${zh}缺少此操作所需的内容`,
  }),
};

const catalogue = new Map<string, ErrorKind>(Object.entries(special));
for (const [noun, [en, zh]] of Object.entries(nouns)) {
  for (const [reason, kind] of Object.entries(nounReasons)) {
    catalogue.set(`${noun}.${reason}`, kind(en, zh));
  }
}

/** All codes with their status and titles, for the pages that explain them. */
export const errorCatalogue: ReadonlyMap<string, ErrorKind> = catalogue;

/** The status that a code is sent with. */
export function statusOf(code: ErrorCode): number {
  return errorKind(code).status;
}

/** Status and titles of a code. */
export function errorKind(code: ErrorCode): ErrorKind {
  const kind = catalogue.get(code);
  if (!kind) throw new Error(`unknown error code ${code}`);
  return kind;
}

/** One fault of the input, or one thing that a resource lacks. Exactly one of the three places is set. */
export interface Fault {
  pointer?: string;
  parameter?: string;
  header?: string;
  code: string;
  detail: Text;
}

export interface ErrorDetails {
  /** What is particular about this occurrence, in both languages. Never personal data or a secret. */
  detail?: Text;
  faults?: Fault[];
  /** Further members of the problem document, such as `currentStatus`. */
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** What else stands in the way: a dry run tells it all. */
  others?: AppError[];
}

/** A refusal with a code of the closed list above. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(code);
    this.code = code;
    this.details = details;
  }
}

/**
 * Makes every check, also after one has refused.
 * @throws AppError the first refusal, with the others beside it
 */
export function assertAll(checks: readonly (() => unknown)[]): void {
  const refusals: AppError[] = [];
  for (const check of checks) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusals.push(error);
    }
  }
  const [first, ...others] = refusals;
  if (first) throw new AppError(first.code, { ...first.details, others });
}
