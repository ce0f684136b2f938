/** IMF-fixdate and the two forms before it (RFC 9110, section 5.6.7). */
const IMF = /^[A-Za-z]{3}, (\d{2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const RFC_850 = /^[A-Za-z]{6,9}, (\d{2})-([A-Za-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/
const ASCTIME = /^[A-Za-z]{3} ([A-Za-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** `Sun, 06 Nov 1994 08:49:37 GMT` of a date, or of milliseconds since 1970. */
export function httpDate(date: Date | number): string {
  return (typeof date === 'number' ? new Date(date) : date).toUTCString()
}

/** The date of a field, in whole seconds; undefined: it is none. */
export function parseDate(text: string | undefined): Date | undefined {
  if (text === undefined || text.length > 40) return undefined
  const imf = IMF.exec(text)
  if (imf !== null) return dateOf(imf[3], imf[2], imf[1], imf[4], imf[5], imf[6])
  const rfc850 = RFC_850.exec(text)
  if (rfc850 !== null) return dateOf(fullYear(rfc850[3]), rfc850[2], rfc850[1], rfc850[4], rfc850[5], rfc850[6])
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return dateOf(asctime[6], asctime[1], asctime[2], asctime[3], asctime[4], asctime[5])
  return undefined
}

/** Two digits that would be more than 50 years ahead are of the century before. */
function fullYear(text: string | undefined): string {
  const now = new Date().getUTCFullYear()
  const year = now - (now % 100) + Number(text)
  return String(year > now + 50 ? year - 100 : year)
}

function dateOf(year = '', month = '', day = '', hours = '', minutes = '', seconds = ''): Date | undefined {
  const monthIndex = MONTHS.indexOf(month.toLowerCase())
  const date = new Date(Date.UTC(Number(year), monthIndex, Number(day), Number(hours), Number(minutes), Number(seconds)))
  // 31 February and 25 o'clock would roll over.
  const rolled = date.getUTCMonth() !== monthIndex || date.getUTCDate() !== Number(day) || date.getUTCHours() !== Number(hours)
  return monthIndex === -1 || rolled ? undefined : date
}
