/** Amounts are whole cents, so that sums are exact. */
export type Cents = number;

export const toCents = (amount: number): Cents => Math.round(amount * 100);

export function showMoney(cents: Cents): string {
  const sign = cents < 0 ? '-' : '';
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
