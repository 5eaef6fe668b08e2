/**
 * The guest's clock. QuickJS asks the worker's `Date` for the time and the time
 * zone, so inside a guest worker `Date` is made to answer for the guest: it
 * begins at the call's `now`, moves by a microsecond at each reading (so that a
 * loop that waits for time to pass ends, alike at every replay), and is UTC.
 * Real time in the worker is read from `performance` alone.
 */
export class GuestClock {
  static readonly #STEP_MS = 0.001;
  #now = 0;
  #readings = 0;

  /** How often the guests have looked at the time. */
  get readings(): number {
    return this.#readings;
  }

  /** Takes over this thread's `Date`: call once, in a worker. */
  install(): this {
    Date.now = () => {
      const now = this.#now;
      this.#now += GuestClock.#STEP_MS;
      this.#readings++;
      return now;
    };
    const local = Date.prototype;
    local.getTimezoneOffset = () => 0;
    local.getSeconds = local.getUTCSeconds;
    local.getMinutes = local.getUTCMinutes;
    local.getHours = local.getUTCHours;
    local.getDate = local.getUTCDate;
    local.getDay = local.getUTCDay;
    local.getMonth = local.getUTCMonth;
    local.getFullYear = local.getUTCFullYear;
    return this;
  }

  /** Starts a call's time, in milliseconds since the epoch. */
  set(now: number): void {
    this.#now = now;
  }
}
