// Ports on which no web server is expected: a request there would be read by some other protocol.

/** Above 1023, from the Fetch standard's list ("bad port"); below, every port but 80 and 443 is refused. */
const forbidden: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** `port`: as in `URL.port`; "" is the scheme's own. */
export function isForbiddenPort(port: string): boolean {
  if (port === "") return false;
  const number = Number(port);
  return (number < 1024 && number !== 80 && number !== 443) || forbidden.has(number);
}
