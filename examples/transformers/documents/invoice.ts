import { discountOf } from 'transformer:discounts';
import { type Cents, showMoney, toCents } from 'transformer:money';
import type { Transformer } from 'jdbx/guest';

interface Order {
  readonly number: string;
  readonly group: string;
  readonly lines: readonly { readonly price: number; readonly count: number }[];
}

interface Invoice {
  readonly _id: string;
  readonly total: string;
  readonly fingerprint: string;
}

/** Writes the invoice of an order, and gives what a customer is told. */
const invoice: Transformer<Order, Invoice> = async ({ number, group, lines }) => {
  const sum: Cents = lines.reduce((all, { price, count }) => all + toCents(price) * count, 0);
  const total = showMoney(Math.round(sum * (1 - discountOf(group))));
  const bytes = new TextEncoder().encode(`${number} ${total}`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const fingerprint = btoa(String.fromCharCode(...digest.subarray(0, 6)));
  console.info('invoice', number, total);
  const { _id } = db.put({ _id: `invoice:${number}`, _type: 'invoice', total, fingerprint });
  return { _id, total, fingerprint };
};
export default invoice;
