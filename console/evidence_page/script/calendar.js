// Days and instants. A day is its number since 1970-01-01; instants of records are microseconds, the rest is seconds. ---

const SECOND = 1e6;

const DAYS = new Map(); // the same few days are asked for a million times

const dayNumber = (text) => {
  const known = DAYS.get(text);
  if (known !== undefined) return known;
  if (typeof text !== "string" || !/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return null;
  const number = Date.parse(`${text}T00:00:00Z`) / 86400000;
  if (dayText(number) !== text) return null;
  DAYS.set(text, number);
  return number;
};

const dayText = (number) => {
  const date = new Date(number * 86400000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 10);
};

const monthText = (number) => dayText(number).slice(0, 7);

// The first day of a month `months` later than that of a day.
const monthStart = (number, months = 0) => {
  const date = new Date(number * 86400000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / 86400000;
};

// The same day of a later month, or that month's last day where it is too short.
const addMonths = (number, months) => {
  const day = number - monthStart(number);
  return Math.min(monthStart(number, months) + day, monthStart(number, months + 1) - 1);
};

// Where a day begins in a zone, in seconds. Shanghai has been UTC+8 without summer time since 1992; the others are asked
// of the browser, by looking where its clock stands at a guess and going the rest.
class Zone {
  constructor(name) {
    this.known = new Map();
    this.fixed = name === "Asia/Shanghai";
    try {
      this.clock = new Intl.DateTimeFormat("en-US", {
        timeZone: name, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
        hour: "numeric", minute: "numeric", second: "numeric",
      });
    } catch {
      throw new Refusal(`浏览器没有这个时区 the browser has no such time zone: ${name}`);
    }
  }

  // What the zone's clock shows at an instant, as seconds since 1970-01-01 of that clock.
  shown(second) {
    const part = {};
    for (const { type, value } of this.clock.formatToParts(second * 1000)) part[type] = Number(value);
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000;
  }

  start(day) {
    if (this.fixed && day >= 8035) return day * 86400 - 28800;
    if (!this.known.has(day)) {
      let second = day * 86400;
      for (let n = 0; n < 4; n++) second += day * 86400 - this.shown(second);
      this.known.set(day, second);
    }
    return this.known.get(day);
  }

  length(day) {
    return this.start(day + 1) - this.start(day);
  }

  dayOf(second) {
    let day = Math.floor(second / 86400);
    while (this.start(day + 1) <= second) day++;
    while (this.start(day) > second) day--;
    return day;
  }
}
