/** The certificate as a page to print, in Chinese with English beside it. */
import { escapeHtml } from "../../lib/html.ts";
import type { Certificate } from "./registrations.schema.ts";

/** 1234567.89 -> 1,234,567.89 */
const grouped = (amount: string) => amount.replace(/\B(?=(\d{3})+(?=\.))/g, ",");

const statusText: Record<string, string> = {
  registered: "有效 In force",
  cancelled: "已注销 CANCELLED",
  revoked: "已撤销 REVOKED",
};

/** The page's style. It is the only thing that its content security policy lets in. */
export const style = `
  @page { size: A4; margin: 22mm; }
  body { font: 15px/1.7 "Noto Serif CJK SC", "Songti SC", SimSun, serif; color: #111; max-width: 170mm; margin: 2em auto; }
  h1 { text-align: center; letter-spacing: .2em; font-size: 26px; margin: 0; }
  h1 + p { text-align: center; margin: .2em 0 2em; color: #444; }
  table { border-collapse: collapse; width: 100%; }
  th, td { border: 1px solid #555; padding: .5em .8em; text-align: left; vertical-align: top; }
  th { width: 34%; font-weight: normal; background: #f4f4f1; }
  th small { display: block; color: #666; }
  .ended { border: 3px solid #a00; color: #a00; font-size: 22px; text-align: center; padding: .3em; margin: 1em 0; }
  footer { display: flex; gap: 1.5em; align-items: center; margin-top: 2em; font-size: 13px; color: #444; }
  footer svg { width: 34mm; height: 34mm; flex: none; }
`;

const row = (zh: string, en: string, value: string | null | undefined) =>
  value === undefined
    ? ""
    : `<tr><th>${zh}<small>${en}</small></th><td>${escapeHtml(value ?? "（商业秘密 trade secret）")}</td></tr>`;

const money = (value: { amount: string } | undefined) => value && `¥ ${grouped(value.amount)}`;

const amountText = { provisional: "暂定 provisional", final: "确定 final" } as const;

/** What is said of a number whose code was not given. */
const validText = (valid: boolean): string => (valid ? "有效 Valid" : "无效 NOT VALID");

/**
 * The whole page.
 * @param number as it was asked for
 * @param qr an SVG with the address of this certificate; null where the code was not given
 */
export function certificatePage(
  number: string,
  certificate: Certificate,
  qr: string | null,
): string {
  const { valid, status, typeName, amountStatus } = certificate;
  const state = status ? (statusText[status] ?? status) : validText(valid);
  const ended = valid ? "" : `<p class="ended">${state}</p>`;
  const amounts = amountText[amountStatus as keyof typeof amountText];
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>技术合同登记证明 ${escapeHtml(number)}</title>
<style>${style}</style>
</head>
<body>
<h1>技术合同登记证明</h1>
<p>Certificate of Technology Contract Registration</p>
${ended}
<table>
${row("合同登记编号", "Registration number", number)}
${row("登记机构", "Registration office", certificate.officeName)}
${row("登记日期", "Registered on", certificate.registeredOn)}
${row("状态", "Status", state)}
${row("登记版次", "Revision", certificate.revision?.toString())}
${row("项目名称", "Title", certificate.title)}
${row("合同类别", "Type", typeName && `${typeName.zh} ${typeName.en}`)}
${row("卖方", "Seller", certificate.seller)}
${row("买方", "Buyer", certificate.buyer)}
${row("签订日期", "Signed on", certificate.signedOn)}
${row("合同成交总额", "Total amount, CNY", money(certificate.totalAmount))}
${row("技术交易额", "Technology amount, CNY", money(certificate.technologyAmount))}
${row("金额状态", "Amounts", amounts)}
</table>
<footer>
${qr ?? ""}
<p>${
    qr
      ? "扫码核验本证明。<br>Scan to verify this certificate."
      : "凭证明上的校验码可查看全部内容。<br>The check code on the certificate opens all of it."
  }</p>
</footer>
</body>
</html>
`;
}
